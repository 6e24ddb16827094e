import { Alert, Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { download } from '../../lib/download';

/** The day's differences as an XLSX file. */
export function Export({ date }: { date: string }) {
  const { t } = useTranslation();
  const [failed, setFailed] = useState('');
  const run = async () => {
    setFailed('');
    try {
      await download(`/api/v1/reconciliation/export?date=${date}`, `finance-${date}.xlsx`);
    } catch (error) {
      setFailed((error as Error).message);
    }
  };
  return (
    <>
      <Button onClick={() => void run()}>{t('finance.export')}</Button>
      {failed && <Alert type="error" showIcon title={t('app.failed', { reason: failed })} />}
    </>
  );
}
