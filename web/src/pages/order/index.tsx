import { useQuery } from '@tanstack/react-query';
import { Descriptions, Result, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, Refused, told } from '../../api/client';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';
import { Facts } from './Facts';
import { Lines } from './Lines';

/** One order: what it is, where its units are, and everything that happened to it. */
export default function OrderPage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const path = { params: { path: { id } } };
  const order = useQuery({
    queryKey: ['order', id],
    queryFn: () => told(api.GET('/api/v1/orders/{id}', path)),
  });
  const timeline = useQuery({
    queryKey: ['timeline', id],
    queryFn: () => told(api.GET('/api/v1/orders/{id}/timeline', path)),
  });
  if (order.isPending) return <Loading />;
  if (order.error instanceof Refused && order.error.status === 404) {
    return <Result status="404" title={t('order.none')} />;
  }
  if (order.isError) return <Failed error={order.error} again={() => void order.refetch()} />;
  return (
    <>
      <h1 className="page-title mono">
        {order.data.id} <StatusTag status={order.data.status} />
      </h1>
      <Summary order={order.data} />
      <Lines lines={order.data.lines} />
      {timeline.isPending && <Loading />}
      {timeline.isError && <Failed error={timeline.error} again={() => void timeline.refetch()} />}
      {timeline.data && <Facts facts={timeline.data.facts} />}
    </>
  );
}

function StatusTag({ status }: { status: Schemas['StatusShape'] }) {
  const { t } = useTranslation();
  return (
    <Tag>
      {said(status.name, status.name_zh)} {status.code}
      {status.partly?.length ? ` · ${t('order.partly')}` : ''}
    </Tag>
  );
}

function Summary({ order }: { order: Schemas['OrderShape'] }) {
  const { t } = useTranslation();
  const person = order.person;
  const fields: Record<string, string> = {
    shop: `${order.channel} · ${order.shop}`,
    native: order.native,
    amount: formatFen(order.amount_fen),
    placed: formatTime(order.placed_at),
    paid: formatTime(order.paid_at),
    settled: formatTime(order.settled_at),
    owed: order.owed_fen ? formatFen(order.owed_fen) : '',
    refunded: order.refunded_fen ? formatFen(order.refunded_fen) : '',
    holds: order.holds.join(', '),
    receiver: person
      ? `${person.name} ${person.phone} ${person.province}${person.city}${person.district}`
      : '',
  };
  const items = Object.entries(fields)
    .filter(([, value]) => value.trim() && value !== '–')
    .map(([name, value]) => ({ key: name, label: t(`order.${name}` as 'order.shop'), children: value }));
  return <Descriptions size="small" items={items} column={{ xs: 1, md: 3, xl: 4 }} />;
}
