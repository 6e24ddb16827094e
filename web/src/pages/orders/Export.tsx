import { Alert, Button, Dropdown } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { download } from '../../lib/download';
import type { Question } from './filters';

/** Writes what was found into a file, tells how far it is, and can be stopped. */
export function Export({ question }: { question: Question }) {
  const { t, i18n } = useTranslation();
  const [progress, setProgress] = useState('');
  const [failed, setFailed] = useState('');
  const stop = useRef<AbortController>(null);
  const run = async (form: string) => {
    stop.current = new AbortController();
    setFailed('');
    setProgress('…');
    try {
      let bytes = 0;
      const body = JSON.stringify({ ...question, form, language: i18n.language === 'en' ? 'en' : 'zh' });
      const headers = { 'Content-Type': 'application/json' };
      const init = { method: 'POST', headers, body, signal: stop.current.signal };
      await download('/api/v1/orders/export', `orders.${form}`, init, (piece, answer) => {
        bytes += piece.length;
        const orders = answer.headers.get('X-Orders') ?? '';
        setProgress(t('orders.exporting', { kb: Math.ceil(bytes / 1024), orders }));
      });
    } catch (error) {
      if (!stop.current.signal.aborted) setFailed((error as Error).message);
    } finally {
      setProgress('');
    }
  };
  if (progress)
    return (
      <span role="status">
        {progress} <Button onClick={() => stop.current?.abort()}>{t('orders.stop')}</Button>
      </span>
    );
  return (
    <>
      {failed && <Alert type="error" title={t('app.failed', { reason: failed })} showIcon />}
      <Dropdown
        trigger={['click']}
        menu={{
          items: [
            { key: 'xlsx', label: 'XLSX' },
            { key: 'csv', label: 'CSV' },
          ],
          onClick: ({ key }) => void run(key),
        }}
      >
        <Button>{t('orders.export')}</Button>
      </Dropdown>
    </>
  );
}
