import { Tag } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { Marks } from '../../components/Marks';
import { formatFen, formatTime } from '../../lib/format';

type Refund = Schemas['RefundShape'];
type Its = Schemas['ConfirmationShape'];

/** Refunds that two parties mark: who has, whose mark is missing, when the money goes, how far it is undone. */
export function Refunds({ order, refresh }: { order: Schemas['OrderShape']; refresh: () => void }) {
  const { t } = useTranslation();
  const found = order.refunds.filter((each) => each.confirmation);
  if (!found.length) return null;
  return (
    <section aria-label={t('confirmations.refunds')}>
      <h2 className="section-title">{t('confirmations.refunds')}</h2>
      {found.map((each) => (
        <One key={each.id} order={order.id} refund={each} refresh={refresh} />
      ))}
    </section>
  );
}

function One({ order, refund, refresh }: { order: string; refund: Refund; refresh: () => void }) {
  const { t } = useTranslation();
  const its = refund.confirmation;
  if (!its) return null;
  const no = refund.id.slice(refund.id.lastIndexOf('-') + 1);
  return (
    <div className="panel">
      <h3>
        <span className="mono">{no}</span> {formatFen(refund.amount_fen)}{' '}
        <Tag>{t(`confirmations.stage.${refund.stage}` as 'confirmations.stage.held')}</Tag>
      </h3>
      <ul>
        {its.marks.map((mark) => (
          <li key={mark.party}>
            ✓ {t(`confirmations.party.${mark.party}` as 'confirmations.party.finance')} · {mark.by} ·{' '}
            {formatTime(mark.at)}
          </li>
        ))}
        {its.missing.map((party) => (
          <li key={party}>
            …{' '}
            {t('confirmations.missing', {
              party: t(`confirmations.party.${party}` as 'confirmations.party.finance'),
            })}
          </li>
        ))}
        {its.due_at && <Cooling due={its.due_at} refresh={refresh} />}
        {its.withdrawn && (
          <li>
            {t('confirmations.withdrawnBy', {
              party: t(`confirmations.party.${its.withdrawn.party}` as 'confirmations.party.finance'),
              by: its.withdrawn.by,
              at: formatTime(its.withdrawn.at),
            })}
          </li>
        )}
        {its.withdrawn && <Undone its={its} />}
        {its.recovery && (
          <li>
            <strong>
              {t(its.recovery.left_fen ? 'confirmations.toRecover' : 'confirmations.recovered', {
                left: formatFen(its.recovery.left_fen),
                amount: formatFen(its.recovery.amount_fen),
              })}
            </strong>
          </li>
        )}
      </ul>
      <Marks
        order={order}
        refund={Number(no.slice(1))}
        amountFen={refund.amount_fen}
        its={its}
        done={refresh}
      />
    </div>
  );
}

function Undone({ its }: { its: Its }) {
  const { t } = useTranslation();
  const undone = its.steps.filter((step) => step.undone).length;
  return (
    <li>
      {t('confirmations.undone', { undone, of: its.steps.length })}{' '}
      {its.steps.map((step) => `${step.undone ? '✓' : '…'} ${step.partner}`).join(', ')}
    </li>
  );
}

/** How long it may still be withdrawn without the money having left. */
function Cooling({ due, refresh }: { due: string; refresh: () => void }) {
  const { t } = useTranslation();
  const [now, setNow] = useState(() => Date.now());
  const left = Math.max(0, Math.ceil((Date.parse(due) - now) / 1000));
  useEffect(() => {
    if (!left) {
      const timer = setTimeout(refresh, 1000);
      return () => clearTimeout(timer);
    }
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [left, refresh]);
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return (
    <li>
      {t('confirmations.cooling', { at: formatTime(due) })} <span className="mono">{clock}</span>
    </li>
  );
}
