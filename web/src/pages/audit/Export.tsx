import { Alert, Button, Select, Space } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { CONSOLE } from '../../api/client';
import { save } from '../../lib/save';

const FORMS = ['csv', 'jsonl'] as const;

/** The journal as a file, whole or of a shop and from an instant on; it may be stopped on the way. */
export function Export({ shop, since }: { shop: string; since: string }) {
  const { t } = useTranslation();
  const [form, setForm] = useState<(typeof FORMS)[number]>('csv');
  const [rows, setRows] = useState<number | null>(null);
  const [told, setTold] = useState<{ bad: boolean; text: string } | null>(null);
  const stop = useRef<AbortController>(null);

  async function run() {
    stop.current = new AbortController();
    setTold(null);
    setRows(0);
    try {
      const query = new URLSearchParams({ format: form, shop, since });
      const answer = await fetch(`/api/v1/audit/export?${query}`, {
        headers: CONSOLE,
        signal: stop.current.signal,
      });
      if (!answer.ok || !answer.body) throw new Error(answer.statusText);
      const { parts, count } = await received(answer.body, setRows);
      save(new Blob(parts), `audit.${form}`);
      setTold({ bad: false, text: t('audit.exported', { count: form === 'csv' ? count - 1 : count }) });
    } catch (error) {
      const stopped = stop.current.signal.aborted;
      const text = stopped ? t('audit.stopped') : t('app.failed', { reason: (error as Error).message });
      setTold({ bad: !stopped, text });
    }
    setRows(null);
  }

  return (
    <section aria-label={t('audit.export')}>
      <h2 className="section-title">{t('audit.export')}</h2>
      <p className="quiet">{t('audit.exportHint')}</p>
      <Space wrap>
        <Select
          aria-label={t('audit.form')}
          value={form}
          onChange={setForm}
          options={FORMS.map((each) => ({ value: each, label: each.toUpperCase() }))}
          style={{ width: 100 }}
        />
        {rows === null ? (
          <Button onClick={() => void run()}>{t('audit.doExport')}</Button>
        ) : (
          <>
            <Button onClick={() => stop.current?.abort()}>{t('audit.stop')}</Button>
            <span role="status">{t('audit.exporting', { count: rows })}</span>
          </>
        )}
        {told && <Alert type={told.bad ? 'error' : 'success'} showIcon title={told.text} />}
      </Space>
    </section>
  );
}

async function received(body: ReadableStream<Uint8Array<ArrayBuffer>>, tell: (lines: number) => void) {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = body.getReader();
  for (let count = 0; ; tell(count)) {
    const { done, value } = await reader.read();
    if (done) return { parts, count };
    parts.push(value);
    for (const byte of value) if (byte === 10) count++;
  }
}
