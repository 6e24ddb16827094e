import { Alert, Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { CONSOLE } from '../../api/client';

/** The day's differences as an XLSX file. */
export function Export({ date }: { date: string }) {
  const { t } = useTranslation();
  const [failed, setFailed] = useState('');
  const run = async () => {
    setFailed('');
    const answer = await fetch(`/api/v1/reconciliation/export?date=${date}`, { headers: CONSOLE });
    if (!answer.ok) return setFailed(answer.statusText);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `finance-${date}.xlsx`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <>
      <Button onClick={() => void run()}>{t('finance.export')}</Button>
      {failed && <Alert type="error" showIcon title={t('app.failed', { reason: failed })} />}
    </>
  );
}
