import { useQuery } from '@tanstack/react-query';
import { Button, Empty, Form, Input, Space, Table } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';
import { Differences } from './Differences';
import { Export } from './Export';

export type Sheet = Schemas['ReconciliationShape'];

interface Line {
  key: string;
  name: string;
  orders: string;
  amount: string;
}

/** A business day beside finance's own list: both counts, what leads from one to the other, and every difference. */
export default function Finance() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const date = params.get('date') || yesterday();
  const found = useQuery({
    queryKey: ['reconciliation', date],
    queryFn: () => told(api.GET('/api/v1/reconciliation', { params: { query: { date } } })),
  });
  return (
    <>
      <h1 className="page-title">{t('finance.title')}</h1>
      <Form
        key={date}
        layout="inline"
        initialValues={{ date }}
        onFinish={(values: { date?: string }) => setParams(values.date ? { date: values.date } : {})}
        style={{ rowGap: 8, marginBottom: 12 }}
      >
        <Form.Item name="date" label={t('finance.date')}>
          <Input type="date" style={{ width: 160 }} />
        </Form.Item>
        <Space>
          <Button type="primary" htmlType="submit" loading={found.isFetching}>
            {t('finance.compare')}
          </Button>
          {found.data && <Export date={found.data.day} />}
        </Space>
      </Form>
      {found.isPending ? (
        <Loading />
      ) : found.isError ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : (
        <>
          <Bridge sheet={found.data} />
          <Differences sheet={found.data} />
        </>
      )}
    </>
  );
}

/** The business day before today's, which are days of UTC+8. */
function yesterday(): string {
  return new Date(Date.now() - 16 * 3_600_000).toISOString().slice(0, 10);
}

/** From our count to finance's, cause by cause, so that the two ends meet. */
function Bridge({ sheet }: { sheet: Sheet }) {
  const { t } = useTranslation();
  const lines: Line[] = [
    { key: 'ours', name: t('finance.ours'), orders: `${sheet.ours}`, amount: formatFen(sheet.ours_fen) },
    ...sheet.steps.map((step) => ({
      key: step.cause,
      name: said(step.title, step.title_zh),
      orders: signed(step.orders),
      amount: formatFen(step.amount_fen),
    })),
    {
      key: 'theirs',
      name: t('finance.theirs'),
      orders: `${sheet.theirs}`,
      amount: formatFen(sheet.theirs_fen),
    },
  ];
  return (
    <section aria-label={t('finance.bridge')} style={{ maxWidth: 640, marginBottom: 16 }}>
      <p role="status">
        {sheet.residue
          ? t('finance.residue', { count: sheet.residue, amount: formatFen(sheet.residue_fen) })
          : t(sheet.differences.length ? 'finance.explained' : 'finance.agree')}
      </p>
      <p className="quiet">
        {t('finance.asOf', {
          at: formatTime(sheet.asked_at),
          moment: t(`finance.moment.${sheet.moment === 'placed' ? 'placed' : 'paid'}`),
        })}
      </p>
      <Table<Line>
        size="small"
        dataSource={lines}
        pagination={false}
        locale={{ emptyText: <Empty /> }}
        columns={[
          { title: t('finance.step'), dataIndex: 'name' },
          { title: t('finance.orders'), dataIndex: 'orders', align: 'right' },
          { title: t('finance.amount'), dataIndex: 'amount', align: 'right' },
        ]}
      />
    </section>
  );
}

function signed(orders: number): string {
  return orders > 0 ? `+${orders}` : `${orders}`;
}
