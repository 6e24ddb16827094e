import { Alert, Button, Dropdown } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { download } from '../lib/download';

interface Props {
  /** Where the file is asked for, with `question` in the body; which header of the answer says how many rows it has. */
  path: string;
  counted: string;
  name: string;
  question: object;
}

/** Writes what was found into a file, tells how far it is, and can be stopped. */
export function Export({ path, counted, name, question }: Props) {
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
      await download(path, `${name}.${form}`, init, (piece, answer) => {
        bytes += piece.length;
        const rows = answer.headers.get(counted) ?? '';
        setProgress(t('export.running', { kb: Math.ceil(bytes / 1024), rows }));
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
        {progress} <Button onClick={() => stop.current?.abort()}>{t('export.stop')}</Button>
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
        <Button>{t('export.open')}</Button>
      </Dropdown>
    </>
  );
}
