import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { signOut } from '../../app/session';

const LEAST_PASSWORD = 10;

/** One's own password; every session ends with the old one, also this. */
export function OwnPassword() {
  const { t } = useTranslation();
  const changing = useMutation({
    mutationFn: (body: Schemas['OwnPassword']) => told(api.POST('/api/v1/members/self/password', { body })),
    onSuccess: signOut,
  });
  const needed = { required: true, message: t('signIn.needed') };
  return (
    <section aria-label={t('members.own')} style={{ maxWidth: 360 }}>
      <h2 className="section-title">{t('members.own')}</h2>
      {changing.error && (
        <Alert type="error" showIcon title={t('members.refused', { reason: changing.error.message })} />
      )}
      <Form<Schemas['OwnPassword']>
        layout="vertical"
        requiredMark={false}
        onFinish={(body) => changing.mutate(body)}
      >
        <Form.Item name="old" label={t('members.oldPassword')} rules={[needed]}>
          <Input.Password autoComplete="current-password" />
        </Form.Item>
        <Form.Item
          name="new"
          label={t('members.newPassword')}
          extra={t('members.ownMeans')}
          rules={[
            needed,
            { min: LEAST_PASSWORD, message: t('members.passwordRule', { count: LEAST_PASSWORD }) },
          ]}
        >
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Button htmlType="submit" loading={changing.isPending}>
          {t('members.changeOwn')}
        </Button>
      </Form>
    </section>
  );
}
