import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Empty, Progress, Table, Tag } from 'antd';
import { useTranslation } from 'react-i18next';

import { api, told, type Schemas } from '../../api/client';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { download } from '../../lib/download';
import { formatTime } from '../../lib/format';

type Outage = Schemas['OutageShape'];

const LIVE_MS = 3_000;
const QUIET_MS = 30_000;

/** When partners were out, and how far what that held up has been sent; counted anew while something waits. */
export function Outages() {
  const { t } = useTranslation();
  const outages = useQuery({
    queryKey: ['outages'],
    queryFn: () => told(api.GET('/api/v1/outages')),
    refetchInterval: ({ state }) => (state.data?.some((each) => !each.compensated_at) ? LIVE_MS : QUIET_MS),
  });
  return (
    <section aria-label={t('health.outages')}>
      <h2 className="section-title">{t('health.outages')}</h2>
      {outages.isPending ? (
        <Loading />
      ) : outages.isError ? (
        <Failed error={outages.error} again={() => void outages.refetch()} />
      ) : (
        <Table<Outage>
          size="small"
          rowKey={(each) => `${each.partner} ${each.no}`}
          dataSource={outages.data}
          pagination={outages.data.length > 10 ? { pageSize: 10, showSizeChanger: false } : false}
          locale={{ emptyText: <Empty description={t('health.noOutages')} /> }}
          columns={[
            { title: t('health.partner'), dataIndex: 'partner', className: 'mono' },
            { title: t('health.cause'), render: (_, each) => said(each.cause_en, each.cause_zh) },
            { title: t('health.since'), render: (_, each) => formatTime(each.since) },
            {
              title: t('health.until'),
              render: (_, each) =>
                each.ended_at ? formatTime(each.ended_at) : <Tag color="error">‼ {t('health.out')}</Tag>,
            },
            { title: t('health.progress'), render: (_, each) => <Share outage={each} /> },
            { title: t('health.resent'), dataIndex: 'resent', align: 'right' },
            { title: t('health.found'), dataIndex: 'found', align: 'right' },
            { title: t('health.waiting'), dataIndex: 'waiting', align: 'right' },
            { title: t('health.left'), dataIndex: 'left', align: 'right' },
            { title: t('health.report'), render: (_, each) => <File outage={each} /> },
          ]}
        />
      )}
    </section>
  );
}

function Share({ outage }: { outage: Outage }) {
  const { t } = useTranslation();
  const through = outage.missed - outage.waiting;
  const text = t('health.ofMissed', { through, missed: outage.missed });
  return (
    <Progress
      aria-label={text}
      percent={outage.missed ? Math.floor((100 * through) / outage.missed) : 100}
      format={() => text}
      size="small"
      style={{ minWidth: 140 }}
    />
  );
}

function File({ outage }: { outage: Outage }) {
  const { t } = useTranslation();
  const query = new URLSearchParams({ partner: outage.partner, no: String(outage.no) });
  const save = useMutation({
    mutationFn: () => download(`/api/v1/outages/export?${query.toString()}`, `outage-${outage.no}.csv`),
  });
  return (
    <>
      <Button size="small" loading={save.isPending} onClick={() => save.mutate()}>
        CSV
      </Button>
      {save.error && <Alert type="error" showIcon title={t('app.failed', { reason: save.error.message })} />}
    </>
  );
}
