import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Progress, Space } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { queries } from '../../app/session';
import { Failed } from '../../components/Told';
import { formatTime } from '../../lib/format';

const KEY = ['verify'];
const POLL_MS = 1_000;

/** Everything recomputed from the journal, by the service, while it serves. */
export function Verify({ mayBegin }: { mayBegin: boolean }) {
  const { t } = useTranslation();
  const last = useQuery({
    queryKey: KEY,
    queryFn: () => told(api.GET('/api/v1/audit/verify')),
    refetchInterval: (query) => (query.state.data?.state === 'running' ? POLL_MS : false),
  });
  const begin = useMutation({
    mutationFn: () => told(api.POST('/api/v1/audit/verify')),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  const checking = last.data;
  const running = checking?.state === 'running';
  return (
    <section aria-label={t('audit.verify')}>
      <h2 className="section-title">{t('audit.verify')}</h2>
      <p className="quiet">{t('audit.verifyHint')}</p>
      <Space orientation="vertical" style={{ width: '100%', maxWidth: 640 }}>
        <Button disabled={!mayBegin || running || begin.isPending} onClick={() => begin.mutate()}>
          {t('audit.doVerify')}
        </Button>
        {!mayBegin && <span className="quiet">{t('audit.mayNot')}</span>}
        {begin.error && <Alert type="error" showIcon title={begin.error.message} />}
        {running && (
          <Progress
            aria-label={t('audit.verify')}
            percent={checking.total ? Math.floor((100 * checking.done) / checking.total) : 0}
          />
        )}
        {last.error && <Failed error={last.error} again={() => void last.refetch()} />}
        {checking && <Result checking={checking} />}
      </Space>
    </section>
  );
}

function Result({ checking }: { checking: Schemas['Checking'] }) {
  const { t } = useTranslation();
  const { state, clean, rows, by, ended_at, findings } = checking;
  if (state === 'failed') return <Alert type="error" showIcon title={t('audit.broken')} />;
  if (state !== 'done') return null;
  return (
    <Alert
      type={clean ? 'success' : 'error'}
      showIcon
      title={t(clean ? 'audit.clean' : 'audit.notClean', { rows, by, at: formatTime(ended_at) })}
      description={
        findings.length > 0 && (
          <ul>
            {findings.map((each) => (
              <li key={`${each.where} ${each.what}`}>
                <span className="mono">{each.where}</span> {each.what}
              </li>
            ))}
          </ul>
        )
      }
    />
  );
}
