import { useMutation } from '@tanstack/react-query';
import { Button, Descriptions, Popconfirm, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { may, useWho } from '../../app/session';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';

export function StatusTag({ status }: { status: Schemas['StatusShape'] }) {
  const { t } = useTranslation();
  return (
    <Tag>
      {said(status.name, status.name_zh)} {status.code}
      {status.partly?.length ? ` · ${t('order.partly')}` : ''}
    </Tag>
  );
}

/** What the order is, what it waits for, and who it goes to. */
export function Summary({ order, refresh }: { order: Schemas['OrderShape']; refresh: () => void }) {
  const { t } = useTranslation();
  const fields: Record<string, string> = {
    shop: `${order.channel} · ${order.shop}`,
    native: order.native,
    amount: formatFen(order.amount_fen),
    placed: formatTime(order.placed_at),
    paid: formatTime(order.paid_at),
    settled: formatTime(order.settled_at),
    owed: order.owed_fen ? formatFen(order.owed_fen) : '',
    refunded: order.refunded_fen ? formatFen(order.refunded_fen) : '',
    platformRefunded: order.platform_refunded_fen ? formatFen(order.platform_refunded_fen) : '',
    holds: order.holds.join(', '),
  };
  const items = Object.entries(fields)
    .filter(([, value]) => value.trim() && value !== '–')
    .map(([name, value]) => ({ key: name, label: t(`order.${name}` as 'order.shop'), children: value }));
  const waits = Object.entries(order.waits_until).map(([name, at]) => ({
    key: `wait-${name}`,
    label: t(`order.waits.${name}` as 'order.waits.ship'),
    children: formatTime(at),
  }));
  const receiver = {
    key: 'receiver',
    label: t('order.receiver'),
    children: <Receiver order={order} refresh={refresh} />,
  };
  return (
    <Descriptions
      size="small"
      items={[...items, ...waits, ...(order.person ? [receiver] : [])]}
      column={{ xs: 1, md: 3, xl: 4 }}
    />
  );
}

function Receiver({ order, refresh }: { order: Schemas['OrderShape']; refresh: () => void }) {
  const { t } = useTranslation();
  const who = useWho();
  const [open, setOpen] = useState<Schemas['PersonShape'] | null>(null);
  const { id } = order;
  const revealing = useMutation({
    mutationFn: () =>
      told(api.GET('/api/v1/orders/{id}', { params: { path: { id }, query: { reveal: true } } })),
    onSuccess: (found) => {
      setOpen(found.person ?? null);
      refresh();
    },
  });
  const person = open ?? order.person;
  if (!person) return null;
  const place = [person.province, person.city, person.district, person.detail].join('');
  return (
    <>
      {[person.name, person.phone, place].filter(Boolean).join(' ')}{' '}
      {may(who, 'reveal') &&
        (open ? (
          <Button size="small" type="link" onClick={() => setOpen(null)}>
            {t('order.maskAgain')}
          </Button>
        ) : (
          <Popconfirm title={t('order.revealAsk')} onConfirm={() => revealing.mutate()}>
            <Button size="small" type="link" loading={revealing.isPending}>
              {t('order.reveal')}
            </Button>
          </Popconfirm>
        ))}
      {revealing.error && <span role="alert">{revealing.error.message}</span>}
    </>
  );
}
