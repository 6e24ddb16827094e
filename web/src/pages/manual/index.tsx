import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Form, Input, InputNumber, Result, Select, Space } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { may, useWho } from '../../app/session';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatFen } from '../../lib/format';
import type { Entry } from './entry';
import { besideField, bodyOf, changedPath, newKey, OFFLINE, pathOf, PAYMENTS, sumFen } from './entry';
import { Lines } from './Lines';
import './manual.css';

/** An own shop's order that a person enters: checked field by field, then placed once. */
export default function Manual() {
  const { t } = useTranslation();
  const who = useWho();
  const [done, setDone] = useState('');
  const [turn, setTurn] = useState(0);
  const allowed = may(who, 'operate');
  const shops = useQuery({
    queryKey: ['manual-shops'],
    queryFn: () => told(api.GET('/api/v1/orders/manual/shops')),
    enabled: allowed,
  });
  const again = () => {
    setDone('');
    setTurn(turn + 1);
  };
  return (
    <>
      <h1 className="page-title">{t('manual.title')}</h1>
      {!allowed ? (
        <Alert type="info" showIcon title={t('manual.notAllowed')} />
      ) : shops.isPending ? (
        <Loading />
      ) : shops.isError ? (
        <Failed error={shops.error} again={() => void shops.refetch()} />
      ) : !shops.data.length ? (
        <Alert type="info" showIcon title={t('manual.noShop')} />
      ) : done ? (
        <Result
          status="success"
          title={t('manual.done')}
          subTitle={
            <Link className="mono" to={`/orders/${done}`}>
              {done}
            </Link>
          }
          extra={<Button onClick={again}>{t('manual.another')}</Button>}
        />
      ) : (
        <EntryForm key={turn} shops={shops.data} done={setDone} />
      )}
    </>
  );
}

function EntryForm({ shops, done }: { shops: Schemas['OwnShop'][]; done: (id: string) => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Entry>();
  const entry = Form.useWatch([], form);
  const [key] = useState(newKey);
  const seen = useRef<Schemas['ManualBody'] | null>(null);
  const check = useMutation({
    mutationFn: (body: Schemas['ManualBody']) => told(api.POST('/api/v1/orders/manual/preview', { body })),
    onSuccess: ({ problems }) => {
      form.setFields(
        problems.map(({ field, message, message_zh }) => ({
          name: pathOf(field) as never,
          errors: [field === 'amount_fen' ? t('manual.differs') : besideField(said(message, message_zh))],
        })),
      );
      const first = problems[0];
      if (first) form.scrollToField(pathOf(first.field), { block: 'center', focus: true });
    },
  });
  const place = useMutation({
    mutationFn: (body: Schemas['ManualBody']) =>
      told(api.POST('/api/v1/orders/manual', { body, params: { header: { 'idempotency-key': key } } })),
    onSuccess: ({ aggregate }) => done(aggregate),
  });
  const error = check.error ?? place.error;
  const good = check.data?.problems.length === 0;
  const ask = (values: Entry) => {
    place.reset();
    form.setFields(form.getFieldsError().map(({ name }) => ({ name: name as never, errors: [] })));
    seen.current = bodyOf(values);
    check.mutate(seen.current);
  };
  return (
    <Form<Entry>
      form={form}
      layout="vertical"
      requiredMark={false}
      scrollToFirstError={{ block: 'center', focus: true }}
      initialValues={{ shop: shops[0]?.id, lines: [{ units: 1 }], payment: 'transfer' }}
      onValuesChange={(changed) => {
        check.reset();
        form.setFields([{ name: changedPath(changed) as never, errors: [] }]);
      }}
      onFinish={ask}
    >
      <section className="entry-panel" aria-labelledby="manual-goods">
        <h2 className="section-title" id="manual-goods">
          {t('manual.goods')}
        </h2>
        <Lines />
      </section>
      <Receiver />
      <Money shops={shops} entry={entry ?? {}} />
      {error && <Alert type="error" showIcon title={t('manual.refused', { reason: error.message })} />}
      {check.data && !good && (
        <Alert
          type="error"
          showIcon
          title={t('manual.problems', { count: check.data.problems.length })}
          style={{ marginBottom: 12 }}
        />
      )}
      {check.data && good && <Foreseen preview={check.data} />}
      <Space>
        <Button htmlType="submit" type={good ? 'default' : 'primary'} loading={check.isPending}>
          {t('manual.check')}
        </Button>
        <Button
          type="primary"
          disabled={!good}
          loading={place.isPending}
          onClick={() => seen.current && place.mutate(seen.current)}
        >
          {t('manual.place')}
        </Button>
        {!good && <span className="quiet">{t('manual.checkFirst')}</span>}
      </Space>
    </Form>
  );
}

function Receiver() {
  const { t } = useTranslation();
  return (
    <section className="entry-panel" aria-labelledby="manual-receiver">
      <h2 className="section-title" id="manual-receiver">
        {t('manual.receiver')}
      </h2>
      <div className="entry-fields">
        {(['name', 'phone', 'province', 'city', 'district'] as const).map((field) => (
          <Form.Item key={field} name={['receiver', field]} label={t(`manual.${field}`)}>
            <Input maxLength={field === 'phone' ? 32 : 64} autoComplete="off" />
          </Form.Item>
        ))}
        <Form.Item name={['receiver', 'detail']} label={t('manual.detail')} className="wide">
          <Input maxLength={200} autoComplete="off" />
        </Form.Item>
      </div>
    </section>
  );
}

function Money({ shops, entry }: { shops: Schemas['OwnShop'][]; entry: Partial<Entry> }) {
  const { t } = useTranslation();
  const shop = shops.find((each) => each.id === entry.shop);
  const payments = PAYMENTS.filter((each) => each !== 'cod' || shop?.cash_on_delivery);
  const offline = OFFLINE.includes(entry.payment ?? '');
  const sum = t('manual.sum', { sum: formatFen(sumFen(entry)) });
  return (
    <section className="entry-panel" aria-labelledby="manual-money">
      <h2 className="section-title" id="manual-money">
        {t('manual.money')}
      </h2>
      <div className="entry-fields">
        <Form.Item name="shop" label={t('manual.shop')}>
          <Select options={shops.map(({ id, name }) => ({ value: id, label: `${name} (${id})` }))} />
        </Form.Item>
        {(['freight', 'discount'] as const).map((field) => (
          <Form.Item key={field} name={field} label={t(`manual.${field}`)}>
            <InputNumber min={0} precision={2} prefix="¥" style={{ width: '100%' }} />
          </Form.Item>
        ))}
        <Form.Item
          name="yuan"
          label={t('manual.yuan')}
          extra={sum}
          rules={[{ required: true, message: t('manual.needed') }]}
        >
          <InputNumber min={0} precision={2} prefix="¥" style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="payment" label={t('manual.payment')}>
          <Select options={payments.map((each) => ({ value: each, label: t(`manual.by.${each}`) }))} />
        </Form.Item>
        {offline && (
          <>
            <Form.Item name="reference" label={t('manual.reference')} extra={t('manual.referenceHint')}>
              <Input maxLength={64} autoComplete="off" />
            </Form.Item>
            <Form.Item name="paidAt" label={t('manual.paidAt')} extra={t('manual.paidAtHint')}>
              <Input type="datetime-local" />
            </Form.Item>
          </>
        )}
        <Form.Item name="number" label={t('manual.number')} extra={t('manual.numberHint')}>
          <Input maxLength={64} autoComplete="off" />
        </Form.Item>
        <Form.Item name="user" label={t('manual.user')} extra={t('manual.userHint')}>
          <Input maxLength={64} autoComplete="off" />
        </Form.Item>
        <Form.Item name="reason" label={t('manual.reason')} extra={t('manual.reasonHint')} className="wide">
          <Input maxLength={200} autoComplete="off" />
        </Form.Item>
      </div>
    </section>
  );
}

/** What the rules would make of it. */
function Foreseen({ preview }: { preview: Schemas['ManualPreview'] }) {
  const { t } = useTranslation();
  const told = [
    ...preview.foreseen.map(({ message, message_zh }) => said(message, message_zh)),
    ...(preview.short.length ? [t('manual.short', { skus: preview.short.join(', ') })] : []),
  ];
  return (
    <Alert
      type={told.length ? 'warning' : 'success'}
      showIcon
      title={told.length ? t('manual.goodBut') : t('manual.good')}
      description={
        told.length ? (
          <ul style={{ margin: 0, paddingInlineStart: 20 }}>
            {told.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        ) : undefined
      }
      style={{ marginBottom: 12 }}
    />
  );
}
