import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Space } from 'antd';
import { useTranslation } from 'react-i18next';

import { api, told } from '../../api/client';
import { may, queries, useWho } from '../../app/session';
import { Failed, Loading } from '../../components/Told';
import { formatTime } from '../../lib/format';
import { Findings } from './Findings';
import { Keys } from './Keys';
import { Outages } from './Outages';
import { Scans } from './Scans';

const KEY = ['health'];

/** Credentials and configuration: what the last scan found and what mends it, the keys of each task, and who bound them. */
export default function Health() {
  const { t } = useTranslation();
  const who = useWho();
  const board = useQuery({ queryKey: KEY, queryFn: () => told(api.GET('/api/v1/health/board')) });
  const scan = useMutation({
    mutationFn: () => told(api.POST('/api/v1/health/scan')),
    onSuccess: (fresh) => queries.setQueryData(KEY, fresh),
  });
  const last = board.data?.scans[0];
  return (
    <>
      <h1 className="page-title">{t('health.title')}</h1>
      {board.isPending ? (
        <Loading />
      ) : board.isError ? (
        <Failed error={board.error} again={() => void board.refetch()} />
      ) : (
        <Space orientation="vertical" size={12} style={{ width: '100%' }}>
          <Space wrap>
            <Button
              type="primary"
              disabled={!may(who, 'operate')}
              loading={scan.isPending}
              onClick={() => scan.mutate()}
            >
              {t('health.scan')}
            </Button>
            <span className="quiet" role="status">
              {last ? t('health.asOf', { at: formatTime(last.at), fine: last.fine }) : t('health.never')}
            </span>
            {!may(who, 'operate') && <span className="quiet">{t('health.mayNot')}</span>}
          </Space>
          {scan.error && (
            <Alert type="error" showIcon title={t('app.failed', { reason: scan.error.message })} />
          )}
          {last && <Findings findings={board.data.findings} />}
          <Outages />
          <Keys tasks={board.data.tasks} sealed={board.data.sealed} />
          <Scans scans={board.data.scans} />
        </Space>
      )}
    </>
  );
}
