import { Alert, Button, Select, Space } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { download } from '../../lib/download';

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
      let count = 0;
      const signal = stop.current.signal;
      await download(`/api/v1/audit/export?${query}`, `audit.${form}`, { signal }, (piece) => {
        for (const byte of piece) if (byte === 10) count++;
        setRows(count);
      });
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
