import { Alert, Empty, Table, Tag } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { formatTime } from '../../lib/format';

type Task = Schemas['TaskShape'];
type Key = Schemas['KeyShape'];
interface Row extends Partial<Key> {
  id: string;
  task: Task;
}

/** The keys of every task, and behind each task who bound which key when. No secret is here. */
export function Keys({ tasks, sealed }: { tasks: readonly Task[]; sealed: boolean }) {
  const { t } = useTranslation();
  const rows = tasks.flatMap((task): Row[] =>
    task.keys.length
      ? task.keys.map((each) => ({ ...each, id: `${task.task}/${each.key}`, task }))
      : [{ id: task.task, task }],
  );
  return (
    <section aria-label={t('health.keys')}>
      <h2 className="section-title">{t('health.keys')}</h2>
      {!sealed && <Alert type="warning" showIcon title={t('health.plain')} style={{ marginBottom: 12 }} />}
      <Table<Row>
        size="small"
        rowKey="id"
        dataSource={rows}
        pagination={false}
        expandable={{
          rowExpandable: (row) => row.task.bindings.length > 0,
          expandedRowRender: (row) => <History task={row.task} />,
        }}
        columns={[
          { title: t('health.task'), render: (_, row) => row.task.task, className: 'mono' },
          { title: t('health.key'), render: (_, row) => row.key ?? '–', className: 'mono' },
          {
            title: t('health.environment'),
            render: (_, row) =>
              row.environment && row.environment !== row.task.environment ? (
                <Tag color="error">‼ {t(`health.${row.environment as 'test'}`)}</Tag>
              ) : (
                t(`health.${(row.environment || row.task.environment) as 'test'}`)
              ),
          },
          { title: t('health.state'), render: (_, row) => <State row={row} /> },
          {
            title: t('health.daysLeft'),
            align: 'right',
            render: (_, row) => row.days_left ?? t('health.unknown'),
          },
          { title: t('health.expires'), render: (_, row) => row.expires_on ?? '–' },
          { title: t('health.idle'), render: (_, row) => formatTime(row.idle_until) },
          { title: t('health.used'), render: (_, row) => formatTime(row.last_used_at) },
        ]}
      />
    </section>
  );
}

function State({ row }: { row: Row }) {
  const { t } = useTranslation();
  return (
    <>
      {row.failed_at && (
        <Tag color="error">
          ‼ {t('health.failed')} {row.error}
        </Tag>
      )}
      {row.bound && <Tag color="processing">✓ {t('health.bound')}</Tag>}
      {row.standby && <Tag>{t('health.standby')}</Tag>}
      {!row.key && <span className="quiet">{t('health.noKey')}</span>}
    </>
  );
}

function History({ task }: { task: Task }) {
  const { t } = useTranslation();
  return (
    <Table
      size="small"
      rowKey={(each) => `${each.at} ${each.key}`}
      dataSource={task.bindings}
      pagination={false}
      locale={{ emptyText: <Empty description={t('health.noBindings')} /> }}
      columns={[
        { title: t('health.at'), render: (_, each) => formatTime(each.at) },
        { title: t('health.before'), render: (_, each) => each.before || '–', className: 'mono' },
        { title: t('health.after'), render: (_, each) => each.key || '–', className: 'mono' },
        { title: t('health.by'), dataIndex: 'by' },
        { title: t('health.reason'), dataIndex: 'reason' },
      ]}
    />
  );
}
