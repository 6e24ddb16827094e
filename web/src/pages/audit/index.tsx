import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, Empty, Form, Input, Space, Table } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { may, useWho } from '../../app/session';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatTime } from '../../lib/format';
import { Export } from './Export';
import { Verify } from './Verify';

type Fact = Schemas['FactShape'];

const WORDS = ['order', 'shop', 'operator', 'source', 'fact'] as const;
const TIMES = ['since', 'until'] as const;
const FIELDS = [...WORDS, ...TIMES];
const ORDER = /^([A-Z]{2}\d{14,26})(-[SA]\d+)?$/;

/** A `datetime-local` value is read as the time in China, whatever the browser's zone is. */
function instant(value: string | null): string {
  return value ? `${value}:00+08:00` : '';
}

/** The journal from its end backwards, filtered; the filter is in the address. */
export default function Audit() {
  const { t } = useTranslation();
  const who = useWho();
  const [params, setParams] = useSearchParams();
  const filter = Object.fromEntries(FIELDS.map((name) => [name, params.get(name) ?? '']));
  const found = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam }) =>
      told(
        api.GET('/api/v1/audit/facts', {
          params: {
            query: {
              ...Object.fromEntries(WORDS.map((name) => [name, filter[name]])),
              since: instant(params.get('since')),
              until: instant(params.get('until')),
              cursor: pageParam,
            },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
  });
  return (
    <>
      <h1 className="page-title">{t('audit.title')}</h1>
      <Form
        key={params.toString()}
        layout="inline"
        initialValues={filter}
        onFinish={(values: Record<string, string | undefined>) =>
          setParams(
            Object.fromEntries(FIELDS.flatMap((name) => (values[name] ? [[name, values[name].trim()]] : []))),
          )
        }
        style={{ rowGap: 8, marginBottom: 12 }}
      >
        {WORDS.map((name) => (
          <Form.Item key={name} name={name} label={t(`audit.${name}`)}>
            <Input allowClear style={{ width: name === 'order' ? 200 : 130 }} />
          </Form.Item>
        ))}
        {TIMES.map((name) => (
          <Form.Item key={name} name={name} label={t(`audit.${name}`)}>
            <Input type="datetime-local" style={{ width: 200 }} />
          </Form.Item>
        ))}
        <Space>
          <Button type="primary" htmlType="submit">
            {t('audit.search')}
          </Button>
          <Button onClick={() => setParams({})}>{t('audit.clear')}</Button>
        </Space>
      </Form>
      {found.isPending ? (
        <Loading />
      ) : found.isError ? (
        <Failed error={found.error} again={() => void found.refetch()} />
      ) : (
        <Found
          pages={found.data.pages}
          more={found.hasNextPage ? () => void found.fetchNextPage() : undefined}
          busy={found.isFetchingNextPage}
        />
      )}
      <Export shop={params.get('shop') ?? ''} since={instant(params.get('since'))} />
      {!who?.shops.length && !who?.warehouses.length && <Verify mayBegin={may(who, 'operate')} />}
    </>
  );
}

function Found({
  pages,
  more,
  busy,
}: {
  pages: readonly Schemas['AuditPage'][];
  more: (() => void) | undefined;
  busy: boolean;
}) {
  const { t } = useTranslation();
  const facts = pages.flatMap((page) => page.facts);
  const looked = pages.reduce((sum, page) => sum + page.looked, 0);
  const back = formatTime(pages.at(-1)?.back_to);
  return (
    <>
      <p className="quiet">{t('audit.looked', { found: facts.length, looked, back })}</p>
      <Table<Fact>
        size="small"
        tableLayout="fixed"
        className="breaking"
        rowKey="position"
        dataSource={facts}
        pagination={false}
        locale={{ emptyText: <Empty description={t(more ? 'audit.noneYet' : 'audit.none')} /> }}
        expandable={{ expandedRowRender: (fact) => <Recorded fact={fact} /> }}
        columns={[
          { title: t('audit.at'), dataIndex: 'recorded_at', render: formatTime, width: 170 },
          {
            title: t('audit.subject'),
            dataIndex: 'aggregate',
            render: (key: string) => <Subject name={key} />,
            width: 210,
          },
          { title: t('audit.fact'), dataIndex: 'fact', className: 'mono', width: 200 },
          { title: t('audit.what'), render: (_, fact) => said(fact.sentence, fact.sentence_zh) },
          { title: t('audit.operator'), dataIndex: 'operator', width: 100 },
          { title: t('audit.source'), dataIndex: 'source', width: 170 },
          { title: t('audit.shop'), dataIndex: 'shop', width: 100 },
        ]}
      />
      {more && (
        <Button block onClick={more} loading={busy}>
          {t('audit.more')}
        </Button>
      )}
    </>
  );
}

function Subject({ name }: { name: string }) {
  const order = ORDER.exec(name)?.[1];
  return order ? (
    <Link className="mono" to={`/orders/${order}`}>
      {name}
    </Link>
  ) : (
    <span className="mono">{name}</span>
  );
}

function Recorded({ fact }: { fact: Fact }) {
  const { t } = useTranslation();
  return (
    <dl className="recorded">
      {[
        [t('order.position'), fact.position],
        [t('order.hash'), fact.hash],
        [t('order.command'), fact.command],
        [t('order.cause'), fact.cause],
        [t('audit.body'), JSON.stringify(fact.body)],
      ]
        .filter(([, value]) => value)
        .map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
    </dl>
  );
}
