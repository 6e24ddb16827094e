import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, Empty, Table } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';

const PAGE_ROWS = 50;

/** Orders, the newest change first. */
export default function Orders() {
  const { t } = useTranslation();
  const found = useInfiniteQuery({
    queryKey: ['orders'],
    queryFn: ({ pageParam }) =>
      told(api.GET('/api/v1/orders', { params: { query: { cursor: pageParam, limit: PAGE_ROWS } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
  });
  if (found.isPending) return <Loading />;
  if (found.isError) return <Failed error={found.error} again={() => void found.refetch()} />;
  const rows = found.data.pages.flatMap((page) => page.orders);
  return (
    <>
      <h1 className="page-title">{t('orders.title')}</h1>
      <Table<Schemas['OrderItem']>
        size="small"
        rowKey="id"
        dataSource={rows}
        pagination={false}
        locale={{ emptyText: <Empty description={t('orders.none')} /> }}
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
            render: (status: Schemas['StatusShape']) => said(status.name, status.name_zh),
          },
          { title: t('orders.shop'), dataIndex: 'shop' },
          { title: t('orders.native'), dataIndex: 'native' },
          { title: t('orders.amount'), dataIndex: 'amount_fen', align: 'right', render: formatFen },
          { title: t('orders.changed'), dataIndex: 'updated_at', render: formatTime },
        ]}
      />
      {found.hasNextPage && (
        <Button block onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
          {t('orders.more', { count: PAGE_ROWS })}
        </Button>
      )}
    </>
  );
}
