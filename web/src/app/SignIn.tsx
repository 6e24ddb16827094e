import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Divider, Form, Input, Modal, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../api/client';
import { said } from '../i18n';
import { signIn, useProvider } from './session';

/** Stands over the page that was asked for, which comes by itself afterwards. */
export default function SignIn() {
  const { t } = useTranslation();
  const [byKey, setByKey] = useState(false);
  const entering = useMutation({ mutationFn: signIn });
  return (
    <Modal open mask={false} title={t('signIn.title')} footer={null} closable={false} keyboard={false}>
      <ByProvider />
      <Form<Partial<Schemas['Entry']>>
        layout="vertical"
        onFinish={(entry) => entering.mutate({ name: '', password: '', key: '', ...entry })}
        requiredMark={false}
      >
        {entering.error && (
          <Alert type="error" showIcon title={t('signIn.refused', { reason: entering.error.message })} />
        )}
        {byKey ? (
          <Form.Item
            name="key"
            label={t('signIn.key')}
            rules={[{ required: true, message: t('signIn.needed') }]}
          >
            <Input.Password autoFocus autoComplete="off" />
          </Form.Item>
        ) : (
          <>
            <Form.Item
              name="name"
              label={t('signIn.name')}
              rules={[{ required: true, message: t('signIn.needed') }]}
            >
              <Input autoFocus autoComplete="username" />
            </Form.Item>
            <Form.Item
              name="password"
              label={t('signIn.password')}
              rules={[{ required: true, message: t('signIn.needed') }]}
            >
              <Input.Password autoComplete="current-password" />
            </Form.Item>
          </>
        )}
        <Typography.Paragraph type="secondary">
          {t(byKey ? 'signIn.keyHint' : 'signIn.memberHint')}
        </Typography.Paragraph>
        <Button type="primary" htmlType="submit" block loading={entering.isPending}>
          {t('signIn.enter')}
        </Button>
        <Button type="link" block onClick={() => setByKey(!byKey)}>
          {t(byKey ? 'signIn.byName' : 'signIn.byKey')}
        </Button>
      </Form>
    </Modal>
  );
}

/** Nothing where no provider is configured. */
function ByProvider() {
  const { t } = useTranslation();
  const provider = useProvider();
  if (!provider) return null;
  const { name, name_zh, refused } = provider;
  return (
    <>
      {refused && (
        <Alert
          type="error"
          showIcon
          title={t('signIn.refused', { reason: said(refused.message, refused.message_zh) })}
          style={{ marginBottom: 16 }}
        />
      )}
      <Button type="primary" block href={`/sign-in/oidc?to=${encodeURIComponent(wanted())}`}>
        {t('signIn.byProvider', { name: said(name, name_zh) })}
      </Button>
      <Divider plain>{t('signIn.or')}</Divider>
    </>
  );
}

const MOST_CHARS = 500;

/** The page to come back to; its state is left out where it is too long to be carried along. */
function wanted(): string {
  const whole = location.pathname + location.search;
  return whole.length > MOST_CHARS ? location.pathname : whole;
}
