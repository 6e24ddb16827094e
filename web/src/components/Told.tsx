import { useTranslation } from 'react-i18next';

export function Loading() {
  const { t } = useTranslation();
  return (
    <p className="told quiet" role="status">
      {t('app.loading')}
    </p>
  );
}

/** Why there is nothing to see, and what to do about it. */
export function Failed({ error, again }: { error: Error; again: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="told failed" role="alert">
      <span>⚠ {t('app.failed', { reason: error.message })}</span>
      <button type="button" className="plain-button" onClick={again}>
        {t('app.retry')}
      </button>
    </div>
  );
}
