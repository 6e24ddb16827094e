import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Button, Empty, Space, Table } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useNavigate } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { Export } from '../../components/Export';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';
import { Bulk } from './Bulk';
import { Filters } from './Filters';
import type { Filter } from './filters';
import { fromAddress, toAddress, toQuestion } from './filters';

const PAGE_ROWS = 50;
const BEHIND_MS = 1_500; // the index is a moment behind what was decided
const FIELD_OF = { id: 'q', number: 'waybill', phone: 'phone', name: 'name', words: 'words' } as const;
type Reading = keyof typeof FIELD_OF;

/** Finding orders: what is looked for stands in the address, so that a link opens the same list. */
export default function Orders() {
  const { t } = useTranslation();
  const { pathname, search, hash } = useLocation();
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<string[]>([]);
  const [acting, setActing] = useState<string[]>([]); // those that the open panel is about
  const filter = useMemo(() => fromAddress(search, hash), [search, hash]);
  const question = useMemo(() => toQuestion(filter), [filter]);
  const look = (next: Filter) => {
    setChosen([]);
    void navigate({ pathname, ...toAddress(next) });
  };
  const found = useInfiniteQuery({
    queryKey: ['orders', question],
    queryFn: ({ pageParam }) =>
      told(
        api.POST('/api/v1/orders/search', {
          body: { ...question, cursor: pageParam, limit: PAGE_ROWS, count: !pageParam, after: '' },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <h1 className="page-title">{t('orders.title')}</h1>
      <Filters filter={filter} look={look} />
      {found.isPending && <Loading />}
      {found.isError && <Failed error={found.error} again={() => void found.refetch()} />}
      {found.data && !found.isError && (
        <>
          <Space className="found" wrap>
            <Told page={found.data.pages[0]!} filter={filter} look={look} />
            <Button disabled={!chosen.length || acting.length > 0} onClick={() => setActing(chosen)}>
              {t('bulk.open', { count: chosen.length })}
            </Button>
            <Export path="/api/v1/orders/export" counted="X-Orders" name="orders" question={question} />
          </Space>
          {acting.length > 0 && (
            <Bulk
              orders={acting}
              close={(done) => {
                setActing([]);
                if (done) {
                  void found.refetch();
                  setTimeout(() => void found.refetch(), BEHIND_MS);
                }
              }}
            />
          )}
          <Rows
            rows={found.data.pages.flatMap((page) => page.orders)}
            loading={found.isPlaceholderData}
            chosen={chosen}
            choose={setChosen}
          />
          {found.hasNextPage && (
            <Button block onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
              {t('orders.more', { count: PAGE_ROWS })}
            </Button>
          )}
        </>
      )}
    </>
  );
}

/** How many there are, how the text was read, how fresh it is. */
function Told(props: { page: Schemas['OrderPage']; filter: Filter; look: (filter: Filter) => void }) {
  const { t } = useTranslation();
  const { page, filter, look } = props;
  const word = (reading: string) => t(`orders.as.${reading as Reading}`);
  const instead = (reading: string) => look({ ...filter, q: '', [FIELD_OF[reading as Reading]]: filter.q });
  return (
    <span className="quiet" role="status">
      {page.count != null &&
        `${t('orders.count', { n: page.count.toLocaleString() + (page.more ? '+' : '') })} · `}
      {page.read_as && page.orders.length > 0 && `${t('orders.readAs', { reading: word(page.read_as) })} · `}
      {page.also.map((each) => (
        <Button key={each} type="link" size="small" onClick={() => instead(each)}>
          {t('orders.alsoAs', { reading: word(each) })}
        </Button>
      ))}
      {t('orders.asOf', { at: formatTime(page.as_of) })}
      {page.percent_indexed != null && (
        <span className="worry-text">{` · ${t('orders.indexing', { percent: page.percent_indexed })}`}</span>
      )}
      {page.behind > 0 && ` · ${t('orders.behind', { rows: page.behind })}`}
    </span>
  );
}

function Rows(props: {
  rows: Schemas['OrderItem'][];
  loading: boolean;
  chosen: string[];
  choose: (chosen: string[]) => void;
}) {
  const { t } = useTranslation();
  return (
    <Table<Schemas['OrderItem']>
      size="small"
      rowKey="id"
      dataSource={props.rows}
      loading={props.loading}
      pagination={false}
      locale={{ emptyText: <Empty description={t('orders.none')} /> }}
      rowSelection={{
        selectedRowKeys: props.chosen,
        onChange: (keys) => props.choose(keys.map(String)),
        getTitleCheckboxProps: () => ({ 'aria-label': t('orders.chooseAll') }),
        getCheckboxProps: (row) => ({ 'aria-label': t('orders.choose', { id: row.id }) }),
      }}
      columns={[
        {
          title: t('orders.id'),
          dataIndex: 'id',
          render: (id: string) => (
            <Link className="mono" to={`/orders/${id}`}>
              {id}
            </Link>
          ),
        },
        {
          title: t('orders.status'),
          dataIndex: 'status',
          render: (status: Schemas['StatusShape'], row) =>
            said(status.name, status.name_zh) +
            (row.odd ? ` ⚠ ${t('orders.odd')}` : '') +
            (row.held ? ` ⏸ ${t('orders.held')}` : ''),
        },
        { title: t('orders.shop'), dataIndex: 'shop' },
        { title: t('orders.native'), dataIndex: 'native', className: 'mono' },
        { title: t('orders.amount'), dataIndex: 'amount_fen', align: 'right', render: formatFen },
        { title: t('orders.placed'), dataIndex: 'placed_at', render: formatTime },
        { title: t('orders.changed'), dataIndex: 'updated_at', render: formatTime },
      ]}
    />
  );
}
