import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { said } from '../../i18n';
import { formatTime } from '../../lib/format';

type Band = Schemas['BandShape'];
type Span = Schemas['SpanShape'];

/** What each system held the order for, over time. Each span leads to the fact that began it. */
export function Bands({ found, open }: { found: Schemas['Bands']; open: (position: string) => void }) {
  const { t } = useTranslation();
  const [asTable, setAsTable] = useState(false);
  return (
    <section aria-label={t('order.bands')}>
      <div className="section-head">
        <h2 className="section-title">{t('order.bands')}</h2>
        <Button type="link" size="small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {t(asTable ? 'order.asBands' : 'order.asTable')}
        </Button>
        <span className="quiet">{t('order.asOf', { at: formatTime(found.as_of) })}</span>
      </div>
      <div className="panel">
        {asTable ? <AsTable bands={found.bands} /> : <Drawn found={found} open={open} />}
      </div>
    </section>
  );
}

function useNamed() {
  const { t } = useTranslation();
  return (band: Band) =>
    `${t(`order.system.${band.system}` as 'order.system.wms')}${band.part ? ` ${band.part}` : ''}`;
}

function Drawn({ found, open }: { found: Schemas['Bands']; open: (position: string) => void }) {
  const { t } = useTranslation();
  const named = useNamed();
  const { starts, widths } = scale(found);
  const columns = widths.map((width) => `minmax(min-content, ${width}fr)`).join(' ');
  const line = (span: Span | undefined) =>
    span ? starts.findIndex((each) => each.position === span.position) + 2 : widths.length + 2;
  return (
    <div className="bands">
      <div className="tracks-grid" style={{ gridTemplateColumns: `112px ${columns}` }}>
        {found.bands.map((band) => (
          <div className="band" key={`${band.system}/${band.part}`}>
            <span>{named(band)}</span>
            {band.spans.map((span, n) => (
              <button
                key={span.position}
                type="button"
                className={span.until ? undefined : 'now'}
                style={{ gridColumn: `${line(span)} / ${line(band.spans[n + 1])}` }}
                title={`${worded(span)} · ${formatTime(span.since)} – ${span.until ? formatTime(span.until) : t('order.now')}`}
                onClick={() => open(span.position)}
              >
                {said(span.name, span.name_zh)}
                <span className="native">{nativeOf(span)}</span>
              </button>
            ))}
          </div>
        ))}
      </div>
      <div className="axis">
        <span>{formatTime(found.bands[0]?.spans[0]?.since)}</span>
        <span>{t('order.notToScale')}</span>
        <span>{t('order.now')}</span>
      </div>
    </div>
  );
}

/** The system's own word, where it says more than ours. */
function nativeOf(span: Span): string {
  return span.native === said(span.name, span.name_zh) ? '' : span.native;
}

function worded(span: Span): string {
  return [said(span.name, span.name_zh), nativeOf(span)].filter(Boolean).join(' · ');
}

/** Between two changes lie seconds or days, so a stretch is as wide as the logarithm of its time. */
function scale(found: Schemas['Bands']): { starts: Span[]; widths: number[] } {
  const spans = new Map(found.bands.flatMap((band) => band.spans).map((span) => [span.position, span]));
  const starts = [...spans.values()].sort((one, other) => order(one) - order(other));
  const times = [...starts.map((span) => Date.parse(span.since)), Date.parse(found.as_of)];
  const widths = starts.map((_, n) => 1 + Math.log10(1 + Math.max(0, times[n + 1]! - times[n]!) / 1_000));
  return { starts, widths };
}

/** Rows of one order lie in one slot, so epoch and number say which came first. */
function order(span: Span): number {
  const [, epoch, seq] = span.position.split('.').map(Number);
  return epoch! * 2 ** 40 + seq!;
}

function AsTable({ bands }: { bands: readonly Band[] }) {
  const { t } = useTranslation();
  const named = useNamed();
  return (
    <table className="plain">
      <thead>
        <tr>
          <th scope="col">{t('order.systemHead')}</th>
          <th scope="col">{t('order.value')}</th>
          <th scope="col">{t('order.from')}</th>
          <th scope="col">{t('order.until')}</th>
        </tr>
      </thead>
      <tbody>
        {bands.flatMap((band) =>
          band.spans.map((span, n) => (
            <tr key={`${band.system}/${band.part}/${span.position}`}>
              {n === 0 && (
                <th scope="rowgroup" rowSpan={band.spans.length}>
                  {named(band)}
                </th>
              )}
              <td>{worded(span)}</td>
              <td>{formatTime(span.since)}</td>
              <td>{span.until ? formatTime(span.until) : t('order.now')}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}
