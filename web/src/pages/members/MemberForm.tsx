import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Form, Input, InputNumber, Modal, Select } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import type { Member } from './index';

const ROLES = ['operations', 'warehouse', 'service', 'finance', 'admin'] as const;
const HIDDEN = ['phone', 'cost'] as const;
const LEAST_PASSWORD = 10;

function choices(found: Schemas['Choice'][] = []) {
  return found.map(({ id, name }) => ({ value: id, label: `${name} (${id})` }));
}

interface Values {
  name: string;
  role: (typeof ROLES)[number];
  shops: string[];
  warehouses: string[];
  hides: Schemas['Hidden'][];
  limit: number | null;
  password?: string;
}

/** A new member, or other rights or another password for one. */
export function MemberForm({
  member,
  done,
  leave,
}: {
  member: Member | null;
  done: () => void;
  leave: () => void;
}) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const places = useQuery({
    queryKey: ['places'],
    queryFn: () => told(api.GET('/api/v1/board')),
  });
  const saving = useMutation({
    mutationFn: async (values: Values): Promise<unknown> => {
      const rights = {
        role: values.role,
        shops: values.shops,
        warehouses: values.warehouses,
        hides: values.hides,
        refund_limit_fen: values.limit === null ? null : Math.round(values.limit * 100),
      };
      if (member === null) {
        const body: Schemas['NewMember'] = { ...rights, name: values.name, password: values.password ?? '' };
        return told(api.POST('/api/v1/members', { body }));
      }
      const body: Schemas['Changes'] = values.password ? { ...rights, password: values.password } : rights;
      return told(api.PATCH('/api/v1/members/{name}', { params: { path: { name: member.name } }, body }));
    },
    onSuccess: done,
  });
  const needed = { required: true, message: t('signIn.needed') };
  return (
    <Modal
      open
      title={member ? t('members.changing', { name: member.name }) : t('members.add')}
      okText={t('members.save')}
      cancelText={t('members.cancel')}
      confirmLoading={saving.isPending}
      onOk={form.submit}
      onCancel={leave}
    >
      {saving.error && (
        <Alert type="error" showIcon title={t('members.refused', { reason: saving.error.message })} />
      )}
      <Form<Values>
        form={form}
        layout="vertical"
        requiredMark={false}
        initialValues={{
          name: member?.name,
          role: member?.role ?? 'operations',
          shops: member?.shops ?? [],
          warehouses: member?.warehouses ?? [],
          hides: member?.hides ?? [],
          limit: member === null || member.refund_limit_fen === null ? null : member.refund_limit_fen / 100,
        }}
        onFinish={(values) => saving.mutate(values)}
      >
        {!member && (
          <Form.Item
            name="name"
            label={t('members.name')}
            rules={[needed, { pattern: /^[a-z0-9][a-z0-9._-]{0,31}$/, message: t('members.nameRule') }]}
          >
            <Input autoComplete="off" />
          </Form.Item>
        )}
        <Form.Item name="role" label={t('members.role')} extra={t('members.roleHint')}>
          <Select options={ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }))} />
        </Form.Item>
        <Form.Item name="shops" label={t('members.shops')} extra={t('members.shopsHint')}>
          <Select
            mode="multiple"
            loading={places.isPending}
            placeholder={t('members.allShops')}
            options={choices(places.data?.shops)}
          />
        </Form.Item>
        <Form.Item name="warehouses" label={t('members.warehouses')} extra={t('members.warehousesHint')}>
          <Select
            mode="multiple"
            loading={places.isPending}
            placeholder={t('members.allWarehouses')}
            options={choices(places.data?.warehouses)}
          />
        </Form.Item>
        <Form.Item name="hides" label={t('members.hides')} extra={t('members.hidesHint')}>
          <Select
            mode="multiple"
            placeholder={t('members.hidesNothing')}
            options={HIDDEN.map((field) => ({ value: field, label: t(`members.field.${field}`) }))}
          />
        </Form.Item>
        <Form.Item name="limit" label={t('members.limit')} extra={t('members.limitHint')}>
          <InputNumber min={0} precision={2} prefix="¥" style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item
          name="password"
          label={member ? t('members.newPassword') : t('signIn.password')}
          extra={member ? t('members.passwordStays') : undefined}
          rules={[
            ...(member ? [] : [needed]),
            { min: LEAST_PASSWORD, message: t('members.passwordRule', { count: LEAST_PASSWORD }) },
          ]}
        >
          <Input.Password autoComplete="new-password" />
        </Form.Item>
      </Form>
    </Modal>
  );
}
