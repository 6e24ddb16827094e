import { Alert, Button, Dropdown } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { save } from '../../lib/save';
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
      const file = await fetched(question, form, i18n.language, stop.current.signal, (bytes, orders) =>
        setProgress(t('orders.exporting', { kb: Math.ceil(bytes / 1024), orders })),
      );
      save(file, `orders.${form}`);
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

async function fetched(
  question: Question,
  form: string,
  language: string,
  signal: AbortSignal,
  told: (bytes: number, orders: string) => void,
): Promise<Blob> {
  const answer = await fetch('/api/v1/orders/export', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Tongdan-Console': '1' },
    body: JSON.stringify({ ...question, form, language: language === 'en' ? 'en' : 'zh' }),
    signal,
  });
  if (!answer.ok || !answer.body) {
    const no = (await answer.json()) as { message: string; message_zh: string };
    throw new Error(language === 'en' ? no.message : no.message_zh);
  }
  const pieces: BlobPart[] = [];
  const reader = answer.body.getReader();
  for (let bytes = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(pieces, { type: answer.headers.get('Content-Type') ?? '' });
    pieces.push(value);
    told((bytes += value.length), answer.headers.get('X-Orders') ?? '');
  }
}
