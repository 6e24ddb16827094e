import { useMutation } from '@tanstack/react-query';
import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';

import { api, told } from '../../api/client';
import { formatTime } from '../../lib/format';

/** Where the order stands in the chain, recomputed when somebody asks. */
export function Proof({ id, position, hash }: { id: string; position: string; hash: string }) {
  const { t } = useTranslation();
  const proving = useMutation({
    mutationFn: () => told(api.GET('/api/v1/orders/{id}/proof', { params: { path: { id } } })),
  });
  const found = proving.data;
  const wrong = found?.links.filter((link) => link.agrees === false) ?? [];
  const unknown = found?.links.filter((link) => link.agrees === null).length ?? 0;
  return (
    <section aria-label={t('order.proof')}>
      <h2 className="section-title">{t('order.proof')}</h2>
      <div className="panel">
        <dl className="recorded">
          <div>
            <dt>{t('order.position')}</dt>
            <dd className="mono">{position}</dd>
          </div>
          <div>
            <dt>{t('order.hash')}</dt>
            <dd className="mono">{hash}</dd>
          </div>
        </dl>
        <Button onClick={() => proving.mutate()} loading={proving.isPending}>
          {t('order.prove')}
        </Button>
        <div role="status">
          {proving.error && <Alert type="error" showIcon title={proving.error.message} />}
          {found && (
            <Alert
              type={found.sound ? 'success' : 'error'}
              showIcon
              title={t(found.sound ? 'order.sound' : 'order.unsound', {
                count: found.links.length,
                head: found.head,
                at: formatTime(found.as_of),
              })}
              description={[
                ...wrong.map((link) => `${link.position} ${link.fact}`),
                ...(found.folds ? [] : [t('order.doesNotFold')]),
                ...(found.archived + unknown
                  ? [t('order.archived', { count: found.archived + unknown })]
                  : []),
              ].join('; ')}
            />
          )}
        </div>
      </div>
    </section>
  );
}
