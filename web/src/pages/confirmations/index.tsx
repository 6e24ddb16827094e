import { useQuery } from '@tanstack/react-query';
import { Table, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { queries } from '../../app/session';
import { Marks } from '../../components/Marks';
import { Failed, Loading } from '../../components/Told';
import { formatFen, formatTime } from '../../lib/format';

type Waiting = Schemas['WaitingShape'];

const KEY = ['confirmations'];
const LOOK_EVERY_MS = 5_000;

/** Refunds that wait for a mark, first those that wait for one's own, and money that is to be recovered. */
export default function Confirmations() {
  const { t } = useTranslation();
  const waiting = useQuery({
    queryKey: [...KEY, 'waiting'],
    queryFn: () => told(api.GET('/api/v1/confirmations')),
    refetchInterval: LOOK_EVERY_MS,
  });
  const recoveries = useQuery({
    queryKey: [...KEY, 'recoveries'],
    queryFn: () => told(api.GET('/api/v1/recoveries')),
    refetchInterval: LOOK_EVERY_MS,
  });
  if (waiting.isPending || recoveries.isPending) return <Loading />;
  if (waiting.isError) return <Failed error={waiting.error} again={() => void waiting.refetch()} />;
  if (recoveries.isError) return <Failed error={recoveries.error} again={() => void recoveries.refetch()} />;
  const sorted = [...waiting.data].sort((a, b) => Number(b.mine !== null) - Number(a.mine !== null));
  return (
    <>
      <h1 className="page-title">{t('confirmations.title')}</h1>
      <section aria-label={t('confirmations.waiting')}>
        <h2 className="section-title">{t('confirmations.waiting')}</h2>
        <WaitingTable found={sorted} />
      </section>
      <section aria-label={t('confirmations.recoveries')}>
        <h2 className="section-title">{t('confirmations.recoveries')}</h2>
        <RecoveryTable found={recoveries.data} />
      </section>
    </>
  );
}

const refund = (_: unknown, each: Waiting) => (
  <Link className="mono" to={`/orders/${each.order}`}>
    {each.id}
  </Link>
);

function WaitingTable({ found }: { found: Waiting[] }) {
  const { t } = useTranslation();
  return (
    <Table<Waiting>
      size="small"
      rowKey="id"
      dataSource={found}
      pagination={false}
      scroll={{ x: 'max-content' }}
      locale={{ emptyText: t('confirmations.none') }}
      columns={[
        { title: t('confirmations.refund'), render: refund },
        { title: t('confirmations.shop'), dataIndex: 'shop' },
        { title: t('confirmations.amount'), align: 'right', render: (_, each) => formatFen(each.amount_fen) },
        { title: t('confirmations.reason'), render: (_, each) => each.confirmation.reason },
        {
          title: t('confirmations.marked'),
          render: (_, each) => each.confirmation.marks.map((mark) => mark.by).join(', ') || '–',
        },
        {
          title: t('confirmations.missingOf'),
          render: (_, each) =>
            each.confirmation.missing.map((party) => (
              <Tag key={party}>
                {party === each.mine && '● '}
                {t(`confirmations.party.${party}` as 'confirmations.party.finance')}
              </Tag>
            )),
        },
        { title: t('confirmations.since'), render: (_, each) => formatTime(each.since) },
        {
          title: t('confirmations.do'),
          render: (_, each) => (
            <Marks
              order={each.order}
              refund={each.refund}
              amountFen={each.amount_fen}
              its={each.confirmation}
              done={() => void queries.invalidateQueries({ queryKey: KEY })}
            />
          ),
        },
      ]}
    />
  );
}

function RecoveryTable({ found }: { found: Waiting[] }) {
  const { t } = useTranslation();
  return (
    <Table<Waiting>
      size="small"
      rowKey="id"
      dataSource={found}
      pagination={false}
      scroll={{ x: 'max-content' }}
      locale={{ emptyText: t('confirmations.noRecoveries') }}
      columns={[
        { title: t('confirmations.refund'), render: refund },
        { title: t('confirmations.shop'), dataIndex: 'shop' },
        {
          title: t('confirmations.left'),
          align: 'right',
          render: (_, each) => formatFen(each.confirmation.recovery?.left_fen ?? 0),
        },
        { title: t('confirmations.since'), render: (_, each) => formatTime(each.since) },
      ]}
    />
  );
}
