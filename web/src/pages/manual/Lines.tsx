import { useQuery } from '@tanstack/react-query';
import { AutoComplete, Button, Form, InputNumber } from 'antd';
import { useDeferredValue } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';

const MOST = 200;

/** What is ordered: each line a SKU that is chosen with what is available of it. */
export function Lines() {
  const { t } = useTranslation();
  return (
    <Form.List name="lines">
      {(fields, { add, remove }) => (
        <>
          {fields.map(({ key, name }) => (
            <div
              className="entry-line"
              key={key}
              role="group"
              aria-label={t('manual.line', { no: name + 1 })}
            >
              <Sku at={name} />
              <Form.Item
                name={[name, 'units']}
                label={t('manual.units')}
                rules={[{ required: true, message: t('manual.needed') }]}
              >
                <InputNumber min={1} max={100_000} precision={0} style={{ width: '100%' }} />
              </Form.Item>
              <Form.Item
                name={[name, 'yuan']}
                label={t('manual.lineAmount')}
                rules={[{ required: true, message: t('manual.needed') }]}
              >
                <InputNumber min={0} precision={2} prefix="¥" style={{ width: '100%' }} />
              </Form.Item>
              <Button
                disabled={fields.length === 1}
                onClick={() => remove(name)}
                aria-label={t('manual.removeLine', { no: name + 1 })}
              >
                {t('manual.remove')}
              </Button>
            </div>
          ))}
          <Button onClick={() => add({ units: 1 })} disabled={fields.length >= MOST}>
            {t('manual.addLine')}
          </Button>
        </>
      )}
    </Form.List>
  );
}

/** The choices are those of what is typed so far; below stands what is known of the one that is chosen. */
function Sku({ at }: { at: number }) {
  const { t } = useTranslation();
  const typed = (Form.useWatch<string | undefined>(['lines', at, 'sku']) ?? '').trim();
  const text = useDeferredValue(typed);
  const found = useQuery({
    queryKey: ['manual-skus', text],
    queryFn: () => told(api.GET('/api/v1/orders/manual/skus', { params: { query: { text } } })),
  });
  const chosen = found.data?.find((each) => each.sku === typed);
  const known = chosen ? stock(chosen) : undefined;
  return (
    <Form.Item
      name={[at, 'sku']}
      label={t('manual.sku')}
      extra={known}
      rules={[{ required: true, message: t('manual.needed') }]}
    >
      <AutoComplete
        placeholder={t('manual.skuHint')}
        options={(found.data ?? []).map((each) => ({
          value: each.sku,
          label: [each.sku, each.title, t('manual.available', { count: each.available_units })]
            .filter(Boolean)
            .join(' '),
        }))}
      />
    </Form.Item>
  );

  function stock(sku: Schemas['SkuChoice']): string {
    const places = Object.entries(sku.warehouses)
      .map(([warehouse, units]) => `${warehouse} ${units}`)
      .join(' · ');
    const limit = sku.limit_units ? t('manual.limit', { count: sku.limit_units }) : '';
    return [sku.title, t('manual.available', { count: sku.available_units }), places, limit]
      .filter(Boolean)
      .join(' · ');
  }
}
