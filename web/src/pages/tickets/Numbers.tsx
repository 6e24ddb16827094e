import { useQuery } from '@tanstack/react-query';
import { Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, told } from '../../api/client';
import { Failed } from '../../components/Told';
import { formatSpan } from '../../lib/format';

const LOOK_EVERY_MS = 15_000;
const PERIODS = [1, 7, 30, 90];

/** Of the differences found in a period: by whom they were mended, and how long it took. */
export function Numbers() {
  const { t, i18n } = useTranslation();
  const [days, setDays] = useState(7);
  const found = useQuery({
    queryKey: ['tickets', 'numbers', days],
    queryFn: () => told(api.GET('/api/v1/tickets/numbers', { params: { query: { days } } })),
    refetchInterval: LOOK_EVERY_MS,
  });
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const its = found.data;
  const span = (s: number | null | undefined) => (s == null ? '–' : formatSpan(s, i18n.language));
  const cells = [
    [t('tickets.found'), its && `${its.found}${its.more ? '+' : ''}`],
    [t('tickets.byItself'), its?.by_itself],
    [t('tickets.byPerson'), its?.by_person],
    [t('tickets.byTime'), its?.by_time, t('tickets.hint.byTime')],
    [t('tickets.stillOpen'), its?.open],
    [t('tickets.median'), its && span(its.median_s), t('tickets.hint.median')],
    [t('tickets.p90'), its && span(its.p90_s), t('tickets.hint.p90')],
  ] as const;
  return (
    <section className="panel numbers" aria-label={t('tickets.numbers')}>
      <Select
        aria-label={t('tickets.days')}
        value={days}
        style={{ width: 128 }}
        options={PERIODS.map((each) => ({ value: each, label: t('tickets.lastDays', { days: each }) }))}
        onChange={setDays}
      />
      <dl>
        {cells.map(([name, value, hint]) => (
          <div key={name} title={hint}>
            <dt>{name}</dt>
            <dd>{value ?? '…'}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
