import { Alert, Button, Form, Input, Modal, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { said } from '../i18n';
import { signIn } from './session';

/** Stands over whatever page was asked for; the page comes by itself afterwards. */
export function SignIn() {
  const { t } = useTranslation();
  const [no, setNo] = useState<{ en: string; zh: string } | null>(null);
  const [busy, setBusy] = useState(false);

  async function enter({ key }: { key: string }): Promise<void> {
    setBusy(true);
    try {
      setNo(await signIn(key.trim()));
    } catch {
      setNo({ en: t('app.offline'), zh: t('app.offline') });
    } finally {
      setBusy(false);
    }
  }

  return (
    <Modal
      open
      title={t('signIn.title')}
      footer={null}
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
    >
      <Form layout="vertical" onFinish={(values: { key: string }) => void enter(values)} requiredMark={false}>
        {no && <Alert type="error" showIcon title={t('signIn.refused', { reason: said(no.en, no.zh) })} />}
        <Form.Item name="key" label={t('signIn.key')} rules={[{ required: true, message: t('signIn.hint') }]}>
          <Input.Password autoFocus autoComplete="current-password" />
        </Form.Item>
        <Typography.Paragraph type="secondary">{t('signIn.hint')}</Typography.Paragraph>
        <Button type="primary" htmlType="submit" block loading={busy}>
          {t('signIn.enter')}
        </Button>
      </Form>
    </Modal>
  );
}
