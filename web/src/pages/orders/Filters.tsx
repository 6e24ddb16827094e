import { useQuery } from '@tanstack/react-query';
import { Button, Checkbox, Dropdown, Input, Select, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, told } from '../../api/client';
import { said } from '../../i18n';
import type { Filter } from './filters';
import { NOTHING, toAddress } from './filters';

const SAVED = 'tongdan.orders.saved';
const MOST_SAVED = 30;
const WIDTHS = { sku: 130, since: 150, until: 150, least: 110, most: 110 };
const BY_TAG = ['phone', 'name', 'waybill', 'words'] as const;

interface Saved {
  name: string;
  filter: Filter;
}

/** The search box and what narrows it. `look` is told what is looked for from now on. */
export function Filters({ filter, look }: { filter: Filter; look: (filter: Filter) => void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(filter);
  const [shown, setShown] = useState(filter);
  if (shown !== filter) {
    setShown(filter);
    setDraft(filter);
  }
  const board = useQuery({ queryKey: ['choices'], queryFn: () => told(api.GET('/api/v1/board')) });
  const statuses = useQuery({ queryKey: ['statuses'], queryFn: () => told(api.GET('/api/v1/statuses')) });
  const change = (changed: Partial<Filter>) => look({ ...draft, ...changed });
  const text = (field: 'sku' | 'since' | 'until' | 'least' | 'most', label: string, type = 'text') => (
    <Input
      aria-label={label}
      placeholder={label}
      title={label}
      type={type}
      value={draft[field]}
      style={{ width: WIDTHS[field] }}
      onChange={(event) => setDraft({ ...draft, [field]: event.target.value })}
      onPressEnter={() => look(draft)}
      onBlur={() => draft[field] !== filter[field] && look(draft)}
    />
  );
  const shops = board.data?.shops.map((each) => ({ value: each.id, label: each.name || each.id }));
  const channels = board.data?.channels.map((each) => ({
    value: each.channel,
    label: said(each.name, each.name_zh),
  }));
  return (
    <div className="filters" role="search">
      <Input.Search
        aria-label={t('orders.q')}
        placeholder={t('orders.hint')}
        value={draft.q}
        maxLength={64}
        allowClear
        enterButton={t('orders.look')}
        onChange={(event) => setDraft({ ...draft, q: event.target.value })}
        onSearch={(q) => change({ q })}
      />
      <Space wrap size={8}>
        <Select
          aria-label={t('orders.channel')}
          placeholder={t('orders.channel')}
          allowClear
          style={{ width: 130 }}
          value={draft.channel || undefined}
          options={channels ?? []}
          onChange={(channel?: string) => change({ channel: channel ?? '' })}
        />
        <Select
          aria-label={t('orders.shop')}
          placeholder={t('orders.shop')}
          mode="multiple"
          maxTagCount={1}
          style={{ width: 180 }}
          value={draft.shop}
          options={shops ?? []}
          onChange={(shop: string[]) => change({ shop })}
        />
        <Select
          aria-label={t('orders.status')}
          placeholder={t('orders.status')}
          mode="multiple"
          maxTagCount={1}
          style={{ width: 180 }}
          value={draft.status}
          options={(statuses.data ?? []).map((each) => ({
            value: String(each.code),
            label: said(each.name, each.name_zh),
          }))}
          onChange={(status: string[]) => change({ status })}
        />
        <Select
          aria-label={t('orders.warehouse')}
          placeholder={t('orders.warehouse')}
          allowClear
          style={{ width: 150 }}
          value={draft.warehouse || undefined}
          options={
            board.data?.warehouses.map((each) => ({ value: each.id, label: each.name || each.id })) ?? []
          }
          onChange={(warehouse?: string) => change({ warehouse: warehouse ?? '' })}
        />
        {text('sku', t('orders.sku'))}
        <span className="between">
          {t('orders.placed')} {text('since', t('orders.since'), 'date')} –{' '}
          {text('until', t('orders.until'), 'date')}
        </span>
        <span className="between">
          {t('orders.yuan')} {text('least', t('orders.least'))} – {text('most', t('orders.most'))}
        </span>
        <Checkbox checked={draft.odd} onChange={(event) => change({ odd: event.target.checked })}>
          {t('orders.odd')}
        </Checkbox>
        <Checkbox checked={draft.held} onChange={(event) => change({ held: event.target.checked })}>
          {t('orders.held')}
        </Checkbox>
        <Button onClick={() => look(NOTHING)}>{t('orders.clear')}</Button>
        <SavedFilters filter={filter} look={look} />
        {BY_TAG.filter((field) => filter[field]).map((field) => (
          <Tag key={field} closable onClose={() => change({ [field]: '' })}>
            {t(`orders.as.${field}`)}: {filter[field]}
          </Tag>
        ))}
      </Space>
    </div>
  );
}

/** Kept in this browser only, and without what may name a person. */
function SavedFilters({ filter, look }: { filter: Filter; look: (filter: Filter) => void }) {
  const { t } = useTranslation();
  const [saved, setSaved] = useState(read);
  const [name, setName] = useState('');
  const [open, setOpen] = useState(false);
  const use = (each: Saved) => {
    setOpen(false);
    look(each.filter);
  };
  const keep = (next: Saved[]) => {
    localStorage.setItem(SAVED, JSON.stringify(next));
    setSaved(next);
  };
  const save = () => {
    const kept = { ...filter, q: '', phone: '', name: '' };
    keep([{ name, filter: kept }, ...saved.filter((each) => each.name !== name)].slice(0, MOST_SAVED));
    setName('');
  };
  return (
    <Dropdown
      trigger={['click']}
      open={open}
      onOpenChange={setOpen}
      popupRender={() => (
        <div className="saved">
          {saved.map((each) => (
            <div key={each.name} className="saved-one">
              <Button type="link" title={toAddress(each.filter).search} onClick={() => use(each)}>
                {each.name}
              </Button>
              <Button
                size="small"
                onClick={() => keep(saved.filter((other) => other !== each))}
                aria-label={t('orders.forget', { name: each.name })}
              >
                ×
              </Button>
            </div>
          ))}
          <Space.Compact>
            <Input
              aria-label={t('orders.saveName')}
              placeholder={t('orders.saveName')}
              maxLength={40}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
            <Button onClick={save} disabled={!name.trim()}>
              {t('orders.save')}
            </Button>
          </Space.Compact>
        </div>
      )}
    >
      <Button>{t('orders.saved')}</Button>
    </Dropdown>
  );
}

function read(): Saved[] {
  try {
    const found = JSON.parse(localStorage.getItem(SAVED) ?? '[]') as Saved[];
    return found.map((each) => ({ name: each.name, filter: { ...NOTHING, ...each.filter } }));
  } catch {
    return [];
  }
}
