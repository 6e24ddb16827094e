import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, Drawer, Empty, Segmented, Table } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import type { HeatCell } from '../../components/HeatTable';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';
import type { Filters } from './useBoard';

const PAGE_ROWS = 50;
const WIDTH = 520; // as .beside-cell leaves it

interface Props {
  title: string;
  query: Filters & { column: string; channel: string };
  cell: HeatCell;
  odd: boolean;
  onOdd: (odd: boolean) => void;
  onClose: () => void;
}

/** The orders of a cell, beside the board; the list follows when the cell changes. */
export default function CellOrders({ title, query, cell, odd, onOdd, onClose }: Props) {
  const { t } = useTranslation();
  const found = useInfiniteQuery({
    queryKey: ['cell', query, odd, cell.count, cell.odd],
    queryFn: ({ pageParam }) =>
      told(api.GET('/api/v1/board/orders', { params: { query: { ...query, odd, cursor: pageParam } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (before, earlier) =>
      same(earlier?.queryKey, query) && earlier?.queryKey[2] === odd ? before : undefined,
  });
  return (
    <Drawer open mask={false} size={WIDTH} rootStyle={{ top: 48 }} title={title} onClose={onClose}>
      {cell.odd > 0 || odd ? (
        <Segmented
          aria-label={t('board.which')}
          value={odd ? 'odd' : 'all'}
          onChange={(value) => onOdd(value === 'odd')}
          options={[
            { value: 'all', label: t('board.every', { count: cell.count }) },
            { value: 'odd', label: t('board.oddOnly', { odd: cell.odd }) },
          ]}
          style={{ marginBottom: 12 }}
        />
      ) : null}
      {cell.odd > 0 && (
        <p>
          <Link to={`/tickets?${ticketsOf(query)}`}>{t('board.tickets')}</Link>
        </p>
      )}
      {found.isPending && <Loading />}
      {found.isError && <Failed error={found.error} again={() => void found.refetch()} />}
      {found.data && <Rows rows={found.data.pages.flatMap((page) => page.orders)} />}
      {found.hasNextPage && (
        <Button block onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
          {t('board.more', { count: PAGE_ROWS })}
        </Button>
      )}
    </Drawer>
  );
}

/** The inbox as far as it is about the orders of a cell. */
function ticketsOf({ channel, column, shop }: Props['query']): string {
  return new URLSearchParams({ view: 'open', column, channel, shop }).toString();
}

function same(key: readonly unknown[] | undefined, query: Props['query']): boolean {
  return JSON.stringify(key?.[1]) === JSON.stringify(query);
}

function Rows({ rows }: { rows: Schemas['OrderItem'][] }) {
  const { t } = useTranslation();
  return (
    <Table<Schemas['OrderItem']>
      size="small"
      rowKey="id"
      dataSource={rows}
      pagination={false}
      locale={{ emptyText: <Empty description={t('board.none')} /> }}
      columns={[
        {
          title: t('board.id'),
          dataIndex: 'id',
          render: (id: string, { odd }) => (
            <>
              <Link className="mono" to={`/orders/${id}`}>
                {id}
              </Link>
              {odd && <div className="worry-text">≠ {t('board.isOdd')}</div>}
            </>
          ),
        },
        {
          title: t('board.status'),
          dataIndex: 'status',
          render: (status: Schemas['StatusShape']) => said(status.name, status.name_zh),
        },
        { title: t('board.placed'), dataIndex: 'placed_at', render: formatTime },
        { title: t('board.amount'), dataIndex: 'amount_fen', align: 'right', render: formatFen },
      ]}
    />
  );
}
