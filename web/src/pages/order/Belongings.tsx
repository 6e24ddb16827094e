import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Schemas } from '../../api/client';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';

function Units({ by }: { by: Record<string, number> }) {
  return Object.entries(by).map(([sku, count]) => (
    <span key={sku} className="sku-units">
      <span className="mono">{sku}</span> × {count}
    </span>
  ));
}

/** Shipments with their parcels and tracks. */
export function Shipments({ id, found }: { id: string; found: readonly Schemas['ShipmentShape'][] }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('order.shipments')}>
      <h2 className="section-title">{t('order.shipments')}</h2>
      {found.length === 0 && <p className="quiet">{t('order.noShipments')}</p>}
      {found.map((each) => (
        <div className="panel" key={each.id}>
          <h3>
            <span className="mono">{each.id}</span> <Tag>{said(each.stage.name, each.stage.name_zh)}</Tag>
          </h3>
          <div>
            {each.warehouse} {each.process && `· ${each.process}`} {each.wms_order && `· ${each.wms_order}`}
          </div>
          <div>
            <Units by={each.units} />
          </div>
          {each.orders
            .filter((other) => other !== id)
            .map((other) => (
              <div key={other}>
                {t('order.together')} <Link to={`/orders/${other}`}>{other}</Link>
              </div>
            ))}
          {each.labels.map((label) => (
            <div key={`${label.carrier} ${label.asked_at}`}>
              {t('order.label')} {label.carrier} <span className="mono">{label.waybill}</span>{' '}
              {t(`order.labelStage.${label.stage}` as 'order.labelStage.live')} {label.reason}
            </div>
          ))}
          {each.departures.map((left) => (
            <div key={`${left.waybill} ${left.at}`}>
              {formatTime(left.at)} {left.carrier} <span className="mono">{left.waybill}</span>{' '}
              {left.signed && t('order.stage.signed')}{' '}
              {left.intercepted &&
                `${t('order.intercept')} ${t(`order.intercepted.${left.intercepted}` as 'order.intercepted.asked')}`}
            </div>
          ))}
          {each.tracks.length > 0 && (
            <details>
              <summary>{t('order.tracks', { count: each.tracks.length })}</summary>
              <ol className="tracks">
                {each.tracks.map((node) => (
                  <li key={`${node.at} ${node.code}`}>
                    <time dateTime={node.at}>{formatTime(node.at)}</time>
                    <span>
                      {said(node.status.name, node.status.name_zh)} <span className="quiet">{node.code}</span>
                    </span>
                  </li>
                ))}
              </ol>
            </details>
          )}
        </div>
      ))}
    </section>
  );
}

export function Tickets({ id, found }: { id: string; found: readonly Schemas['Ticket'][] }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('order.tickets')}>
      <h2 className="section-title">{t('order.tickets')}</h2>
      {found.length === 0 && <p className="quiet">{t('order.noTickets')}</p>}
      {found.map((each) => (
        <div className="panel" key={each.id}>
          <h3>
            {each.open ? '⚠ ' : '✓ '}
            {said(each.title, each.title_zh)}
          </h3>
          <div>{each.summary}</div>
          {each.open && (
            <div>
              <Link to={`/tickets?view=open&order=${id}`}>{t('order.inInbox')}</Link>
            </div>
          )}
          <div className="quiet">
            {formatTime(each.raised_at)} · {t(each.open ? 'order.open' : 'order.closed')}
            {each.times > 1 && ` · ${t('order.times', { count: each.times })}`}
            {each.evidence && ` · ${each.evidence}`}
          </div>
        </div>
      ))}
    </section>
  );
}

export function AfterSales({ found }: { found: readonly Schemas['AfterSaleShape'][] }) {
  const { t } = useTranslation();
  if (found.length === 0) return null;
  return (
    <section aria-label={t('order.afterSales')}>
      <h2 className="section-title">{t('order.afterSales')}</h2>
      {found.map((each) => (
        <div className="panel" key={each.id}>
          <h3>
            {said(each.kind.en, each.kind.zh)} <Tag>{said(each.stage.en, each.stage.zh)}</Tag>
          </h3>
          <div>
            <span className="mono">{each.number}</span> · {formatFen(each.amount_fen)}
          </div>
          {each.decide_by && <div>{t('order.decideBy', { at: formatTime(each.decide_by) })}</div>}
          {each.waits && (
            <ul>
              {each.options.map((option) => (
                <li key={option.answer}>{said(option.does, option.does_zh)}</li>
              ))}
            </ul>
          )}
        </div>
      ))}
    </section>
  );
}

export function Notices({ found }: { found: readonly Schemas['NoticeShape'][] }) {
  const { t } = useTranslation();
  if (found.length === 0) return null;
  return (
    <section aria-label={t('order.notices')}>
      <h2 className="section-title">{t('order.notices')}</h2>
      <div className="panel">
        <ul>
          {found.map((each) => (
            <li key={each.notice}>
              {formatTime(each.happened_at)}{' '}
              {t(`order.noticeKind.${each.kind}` as 'order.noticeKind.shipped')}:{' '}
              {t(`order.noticeStage.${each.stage}` as 'order.noticeStage.sent')}{' '}
              <span className="quiet">
                {each.means} {each.reason}
              </span>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
