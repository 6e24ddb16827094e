import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Input, Progress, Select, Space, Table } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { said } from '../../i18n';

type Outcome = Schemas['Outcomes']['outcomes'][number];
type Action = Schemas['BulkBody']['action'];

const AT_ONCE = 20;

/** One action on the chosen orders: what each would do, then the same done, a few at a time. */
export function Bulk({ orders, close }: { orders: string[]; close: (done: boolean) => void }) {
  const { t } = useTranslation();
  const [action, setAction] = useState<Action>('hold');
  const [hold, setHold] = useState('review');
  const [reason, setReason] = useState('');
  const [done, setDone] = useState(0);
  const [applied, setApplied] = useState(false);
  const stopped = useRef(false);
  const body = (some: string[]) => ({ action, orders: some, hold: action === 'cancel' ? '' : hold, reason });
  const preview = useMutation({
    mutationFn: () => inParts(orders, (some) => told(api.POST('/api/v1/bulk/preview', { body: body(some) }))),
  });
  const apply = useMutation({
    mutationFn: () => {
      stopped.current = false;
      setApplied(true);
      const wanted = (preview.data ?? []).filter((each) => each.what !== 'refused').map((each) => each.order);
      return inParts(
        wanted,
        async (some) => told(api.POST('/api/v1/bulk/apply', { body: body(some) })),
        (n) => setDone(Math.round((100 * n) / wanted.length)),
        () => stopped.current,
      );
    },
  });
  const error = preview.error ?? apply.error;
  const shown = apply.data ?? preview.data;
  const changed = () => preview.reset();
  return (
    <section className="panel bulk" aria-label={t('bulk.title', { count: orders.length })}>
      <Space wrap>
        <Select<Action>
          aria-label={t('bulk.action')}
          value={action}
          disabled={applied}
          style={{ width: 160 }}
          options={(['hold', 'lift', 'cancel'] as const).map((each) => ({
            value: each,
            label: t(`bulk.${each}`),
          }))}
          onChange={(next) => {
            setAction(next);
            changed();
          }}
        />
        {action !== 'cancel' && (
          <Input
            aria-label={t('bulk.name')}
            prefix={t('bulk.name')}
            value={hold}
            maxLength={40}
            style={{ width: 200 }}
            disabled={applied}
            onChange={(event) => {
              setHold(event.target.value);
              changed();
            }}
          />
        )}
        <Input
          aria-label={t('bulk.reason')}
          placeholder={t('bulk.reason')}
          value={reason}
          maxLength={200}
          style={{ width: 320 }}
          disabled={applied}
          onChange={(event) => {
            setReason(event.target.value);
            changed();
          }}
        />
        <Button onClick={() => preview.mutate()} loading={preview.isPending} disabled={applied}>
          {t('bulk.preview')}
        </Button>
        <Button
          type="primary"
          disabled={!preview.data?.some((each) => each.what !== 'refused') || applied}
          onClick={() => apply.mutate()}
        >
          {t('bulk.apply')}
        </Button>
        {apply.isPending ? (
          <Button onClick={() => (stopped.current = true)}>{t('orders.stop')}</Button>
        ) : (
          <Button onClick={() => close(applied)}>{t('bulk.close')}</Button>
        )}
      </Space>
      {applied && <Progress percent={done} aria-label={t('bulk.progress')} />}
      {error && <Alert type="error" showIcon title={t('app.failed', { reason: error.message })} />}
      {shown && (
        <Table<Outcome>
          size="small"
          rowKey="order"
          pagination={{ pageSize: 50, hideOnSinglePage: true }}
          dataSource={shown}
          columns={[
            { title: t('orders.id'), dataIndex: 'order', className: 'mono' },
            {
              title: apply.data ? t('bulk.did') : t('bulk.would'),
              render: (_, each) => `${each.what === 'refused' ? '✗' : '✓'} ${said(each.en, each.zh)}`,
            },
          ]}
        />
      )}
    </section>
  );
}

async function inParts(
  orders: string[],
  ask: (some: string[]) => Promise<Schemas['Outcomes']>,
  told: (done: number) => void = () => undefined,
  stopped: () => boolean = () => false,
): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (let at = 0; at < orders.length && !stopped(); at += AT_ONCE) {
    found.push(...(await ask(orders.slice(at, at + AT_ONCE))).outcomes);
    told(Math.min(at + AT_ONCE, orders.length));
  }
  return found;
}
