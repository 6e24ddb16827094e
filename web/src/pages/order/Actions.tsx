import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Form, Input, InputNumber, Modal, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { said } from '../../i18n';
import { ask, FIELDS, OPTIONAL, type Filled } from './ask';

type Action = Schemas['ActionShape'];

/** What may be asked of the order now; what may not be says why. */
export function Actions({
  id,
  lines,
  found,
  done,
}: {
  id: string;
  lines: readonly Schemas['LineShape'][];
  found: readonly Action[];
  done: () => Promise<unknown>;
}) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<Action | null>(null);
  const may = found.filter((each) => !each.refusal);
  const mayNot = found.filter((each) => each.refusal);
  return (
    <section aria-label={t('order.actions')}>
      <h2 className="section-title">{t('order.actions')}</h2>
      <div className="panel actions">
        {may.length === 0 && <p className="quiet">{t('order.noActions')}</p>}
        <ul>
          {may.map((each) => (
            <li key={each.name}>
              <Button size="small" onClick={() => setChosen(each)}>
                {said(each.title, each.title_zh)}
              </Button>
            </li>
          ))}
        </ul>
        {mayNot.length > 0 && (
          <details>
            <summary>{t('order.refusedActions', { count: mayNot.length })}</summary>
            <ul>
              {mayNot.map((each) => (
                <li key={each.name}>
                  <span className="title">{said(each.title, each.title_zh)}</span>
                  <span className="quiet">
                    {each.refusal && said(each.refusal.message, each.refusal.message_zh)}
                  </span>
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
      {chosen && (
        <Asking
          key={chosen.name}
          id={id}
          lines={lines}
          action={chosen}
          close={() => setChosen(null)}
          done={async () => {
            setChosen(null);
            await done();
          }}
        />
      )}
    </section>
  );
}

function Asking({
  id,
  lines,
  action,
  close,
  done,
}: {
  id: string;
  lines: readonly Schemas['LineShape'][];
  action: Action;
  close: () => void;
  done: () => Promise<unknown>;
}) {
  const { t } = useTranslation();
  const asking = useMutation({
    mutationFn: (filled: Filled) => ask(action.name, id, filled),
    onSuccess: done,
  });
  const fields = FIELDS[action.name] ?? [];
  const choices = action.choices.filter((each) => !each.refusal);
  const first = fields.includes('about') && choices[0] ? { about: choices[0].about } : {};
  const facts = action.choices.length ? [] : action.facts;
  const skuOf = (no: string) => lines.find((line) => String(line.no) === no)?.sku ?? '';
  return (
    <Modal open title={said(action.title, action.title_zh)} footer={null} onCancel={close}>
      <Form<Filled>
        layout="vertical"
        initialValues={{ hold: 'review', ...first }}
        onFinish={(filled) => asking.mutate(filled)}
      >
        {asking.error && <Alert type="error" showIcon title={asking.error.message} />}
        {fields.map((field) =>
          field === 'units' ? (
            choices.map((each) => (
              <Form.Item
                key={each.about}
                name={['units', each.about]}
                label={t('order.field.unitsOf', {
                  line: each.about,
                  sku: skuOf(each.about),
                  count: each.units,
                })}
              >
                <InputNumber min={0} max={each.units} precision={0} />
              </Form.Item>
            ))
          ) : (
            <Form.Item
              key={field}
              name={field}
              label={t(`order.field.${field}`)}
              rules={
                OPTIONAL.some(([name, free]) => name === action.name && free === field)
                  ? []
                  : [{ required: true, message: t('signIn.needed') }]
              }
            >
              {field === 'about' ? (
                <Select options={choices.map((each) => ({ value: each.about, label: each.about }))} />
              ) : field === 'yuan' ? (
                <InputNumber<number> min={0} precision={2} prefix="¥" />
              ) : (
                <Input maxLength={200} autoComplete="off" />
              )}
            </Form.Item>
          ),
        )}
        {facts.length > 0 && (
          <p className="quiet">
            {t('order.would')} {facts.map((fact) => said(fact.en, fact.zh)).join('; ')}
          </p>
        )}
        <Button type="primary" htmlType="submit" loading={asking.isPending}>
          {said(action.title, action.title_zh)}
        </Button>
      </Form>
    </Modal>
  );
}
