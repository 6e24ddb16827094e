import { Alert, Button, Skeleton } from 'antd';
import { useTranslation } from 'react-i18next';

export function Loading() {
  const { t } = useTranslation();
  return <Skeleton active aria-label={t('app.loading')} style={{ padding: 16 }} />;
}

/** Why there is nothing to see, and what to do about it. */
export function Failed({ error, again }: { error: Error; again: () => void }) {
  const { t } = useTranslation();
  return (
    <Alert
      type="error"
      showIcon
      title={t('app.failed', { reason: error.message })}
      action={<Button onClick={again}>{t('app.retry')}</Button>}
    />
  );
}
