import { useQuery } from '@tanstack/react-query';
import { Button, Checkbox, Input, Select, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, told } from '../../api/client';
import { said } from '../../i18n';
import { type Filter, OWNERS } from './filters';

const KINDS = [
  'differs',
  'differs-presence',
  'differs-status',
  'differs-amount',
  'differs-lines',
  'differs-receiver',
  'differs-waybill',
  'differs-refund',
] as const;
const NOTHING = {
  owner: '',
  kind: '',
  channel: '',
  shop: '',
  partner: '',
  order: '',
  column: '',
  overdue: false,
};

/** What narrows the inbox; the address holds it. */
export function Filters({ filter, look }: { filter: Filter; look: (changed: Partial<Filter>) => void }) {
  const { t } = useTranslation();
  const board = useQuery({ queryKey: ['choices'], queryFn: () => told(api.GET('/api/v1/board')) });
  const column = board.data?.columns.find((each) => each.id === filter.column);
  const select = (
    field: 'owner' | 'kind' | 'channel' | 'shop',
    options: readonly { value: string; label: string }[],
  ) => (
    <Select
      aria-label={t(`tickets.${field}`)}
      placeholder={t(`tickets.${field}`)}
      allowClear
      style={{ width: 150 }}
      value={filter[field] || undefined}
      options={[...options]}
      onChange={(value?: string) => look({ [field]: value ?? '' })}
    />
  );
  return (
    <Space wrap size={8} className="found" role="group" aria-label={t('tickets.filters')}>
      {select(
        'kind',
        KINDS.map((each) => ({ value: each, label: t(`tickets.kinds.${each}`) })),
      )}
      {filter.view !== 'mine' &&
        select(
          'owner',
          OWNERS.map((each) => ({ value: each, label: t(`role.${each as 'admin'}`) })),
        )}
      {select(
        'channel',
        board.data?.channels.map((each) => ({ value: each.channel, label: said(each.name, each.name_zh) })) ??
          [],
      )}
      {select(
        'shop',
        board.data?.shops.map((each) => ({ value: each.id, label: each.name || each.id })) ?? [],
      )}
      <Text field="partner" filter={filter} look={look} />
      <Text field="order" filter={filter} look={look} />
      <Checkbox checked={filter.overdue} onChange={(event) => look({ overdue: event.target.checked })}>
        {t('tickets.overdue')}
      </Checkbox>
      {filter.column && (
        <Tag closable onClose={() => look({ column: '' })}>
          {t('tickets.column', { column: column ? said(column.title, column.title_zh) : filter.column })}
        </Tag>
      )}
      <Button onClick={() => look(NOTHING)}>{t('tickets.clear')}</Button>
    </Space>
  );
}

function Text({
  field,
  filter,
  look,
}: {
  field: 'partner' | 'order';
  filter: Filter;
  look: (changed: Partial<Filter>) => void;
}) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(filter[field]);
  const [shown, setShown] = useState(filter[field]);
  if (shown !== filter[field]) {
    setShown(filter[field]);
    setDraft(filter[field]);
  }
  const tell = () => draft !== filter[field] && look({ [field]: draft.trim() });
  return (
    <Input
      aria-label={t(`tickets.${field}`)}
      placeholder={t(`tickets.${field}`)}
      value={draft}
      maxLength={64}
      style={{ width: 190 }}
      onChange={(event) => setDraft(event.target.value)}
      onPressEnter={tell}
      onBlur={tell}
    />
  );
}
