import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Popconfirm, Space, Table, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { may, queries, useWho } from '../../app/session';
import { Failed, Loading } from '../../components/Told';
import { formatFen, formatTime } from '../../lib/format';
import { MemberForm } from './MemberForm';
import { OwnPassword } from './OwnPassword';

export type Member = Schemas['MemberShape'];

const KEY = ['members'];

/** Who may sign in and what each may do, for those who manage them; one's own password for every member. */
export default function Members() {
  const { t } = useTranslation();
  const who = useWho();
  return (
    <>
      <h1 className="page-title">{t('members.title')}</h1>
      {may(who, 'manage') && !who?.shops.length && !who?.warehouses.length && (
        <Managed me={who?.name ?? ''} />
      )}
      {!who?.role && <Alert type="info" showIcon title={t('members.byKey')} />}
      {who?.role && !who.by_provider && <OwnPassword />}
    </>
  );
}

function Managed({ me }: { me: string }) {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<Member | 'new' | null>(null);
  const [barred, setBarred] = useState<string | null>(null);
  const found = useQuery({
    queryKey: KEY,
    queryFn: async () => (await told(api.GET('/api/v1/members'))).members,
  });
  const bar = useMutation({
    mutationFn: ({ name, bars }: { name: string; bars: boolean }) =>
      told(api.PATCH('/api/v1/members/{name}', { params: { path: { name } }, body: { barred: bars } })),
    onSuccess: async (_, { name, bars }) => {
      setBarred(bars ? name : null);
      await queries.invalidateQueries({ queryKey: KEY });
    },
  });
  if (found.isPending) return <Loading />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  return (
    <section aria-label={t('members.all')} style={{ marginBottom: 24 }}>
      <Space orientation="vertical" size={12} style={{ width: '100%' }}>
        <Button type="primary" onClick={() => setEdited('new')}>
          {t('members.add')}
        </Button>
        {bar.error && (
          <Alert type="error" showIcon title={t('members.refused', { reason: bar.error.message })} />
        )}
        {barred && (
          <Alert
            type="warning"
            showIcon
            title={t('members.isBarred', { name: barred })}
            action={
              <Button onClick={() => bar.mutate({ name: barred, bars: false })}>{t('members.undo')}</Button>
            }
          />
        )}
        <Table<Member>
          size="small"
          rowKey="name"
          dataSource={found.data}
          pagination={false}
          columns={[
            { title: t('members.name'), dataIndex: 'name', className: 'mono' },
            { title: t('members.role'), render: (_, each) => t(`role.${each.role}`) },
            {
              title: t('members.shops'),
              render: (_, each) => each.shops.join(', ') || t('members.allShops'),
            },
            {
              title: t('members.warehouses'),
              render: (_, each) => each.warehouses.join(', ') || t('members.allWarehouses'),
            },
            {
              title: t('members.hides'),
              render: (_, each) => each.hides.map((field) => t(`members.field.${field}`)).join(', '),
            },
            {
              title: t('members.limit'),
              align: 'right',
              render: (_, each) =>
                !each.scopes.includes('refund')
                  ? t('members.noRefund')
                  : each.refund_limit_fen === null
                    ? t('members.noLimit')
                    : formatFen(each.refund_limit_fen),
            },
            {
              title: t('members.state'),
              render: (_, each) =>
                each.barred ? <Tag color="error">⊘ {t('members.barred')}</Tag> : t('members.active'),
            },
            { title: t('members.made'), dataIndex: 'created_at', render: formatTime },
            {
              title: t('members.actions'),
              render: (_, each) => (
                <Space>
                  {each.by_provider ? (
                    <Tag title={t('members.byProviderMeans')}>{t('members.byProvider')}</Tag>
                  ) : (
                    <Button size="small" onClick={() => setEdited(each)}>
                      {t('members.change')}
                    </Button>
                  )}
                  {each.barred ? (
                    <Button size="small" onClick={() => bar.mutate({ name: each.name, bars: false })}>
                      {t('members.unbar')}
                    </Button>
                  ) : (
                    <Popconfirm
                      title={t('members.barAsk', { name: each.name })}
                      description={t('members.barMeans')}
                      okText={t('members.bar')}
                      cancelText={t('members.cancel')}
                      onConfirm={() => bar.mutate({ name: each.name, bars: true })}
                    >
                      <Button size="small" danger disabled={each.name === me}>
                        {t('members.bar')}
                      </Button>
                    </Popconfirm>
                  )}
                </Space>
              ),
            },
          ]}
        />
      </Space>
      {edited && (
        <MemberForm
          member={edited === 'new' ? null : edited}
          done={() => {
            setEdited(null);
            void queries.invalidateQueries({ queryKey: KEY });
          }}
          leave={() => setEdited(null)}
        />
      )}
    </section>
  );
}
