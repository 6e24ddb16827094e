import './order.css';

import type { UseQueryResult } from '@tanstack/react-query';
import { Result } from 'antd';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { Refused } from '../../api/client';
import { Failed, Loading } from '../../components/Told';
import { Actions } from './Actions';
import { Bands } from './Bands';
import { AfterSales, Notices, Shipments, Tickets } from './Belongings';
import { Comments } from './Comments';
import { Facts } from './Facts';
import { Lines } from './Lines';
import { Proof } from './Proof';
import { useOrder } from './queries';
import { Refunds } from './Refunds';
import { StatusTag, Summary } from './Summary';

/** One order: what it is, what each system says of it, all that happened to it, and what may be done now. */
export default function OrderPage() {
  const { id = '' } = useParams();
  return <One key={id} id={id} />;
}

function One({ id }: { id: string }) {
  const { t } = useTranslation();
  const { bands, order, timeline, belongings, actions, refresh } = useOrder(id);
  const [opened, setOpened] = useState('');
  const refreshAll = useCallback(() => void refresh(), [refresh]);
  const open = (position: string) => {
    setOpened(position);
    requestAnimationFrame(() => document.getElementById(`fact-${position}`)?.scrollIntoView());
  };
  if (order.isPending) return <Loading />;
  if (order.error instanceof Refused && order.error.status === 404) {
    return <Result status="404" title={t('order.none')} subTitle={order.error.message} />;
  }
  if (!order.data) return <Failed error={order.error} again={() => void order.refetch()} />;
  const last = timeline.data?.facts.filter((fact) => fact.aggregate === id).at(-1);
  return (
    <>
      <div className="order-head">
        <h1 className="page-title mono">{id}</h1>
        <StatusTag status={order.data.status} />
      </div>
      <Summary order={order.data} refresh={() => void refresh()} />
      <Part of={bands}>{(found) => <Bands found={found} open={open} />}</Part>
      <div className="order-columns">
        <div>
          <Lines lines={order.data.lines} />
          <Part of={timeline}>
            {({ facts }) => <Facts id={id} facts={facts} opened={opened} refresh={() => void refresh()} />}
          </Part>
        </div>
        <div>
          <Part of={actions}>
            {(found) => <Actions id={id} lines={order.data.lines} found={found.actions} done={refresh} />}
          </Part>
          <Refunds order={order.data} refresh={refreshAll} />
          <Part of={timeline}>
            {({ facts }) => <Comments id={id} facts={facts} done={() => void refresh()} />}
          </Part>
          <Part of={belongings}>
            {(found) => (
              <>
                <Tickets id={id} found={found.tickets} />
                <Shipments id={id} found={found.shipments} />
                <AfterSales found={found.after_sales} />
              </>
            )}
          </Part>
          <Notices found={order.data.notices ?? []} />
          {last && <Proof id={id} position={last.position} hash={last.hash} />}
        </div>
      </div>
    </>
  );
}

/** A part of the page that comes by itself: what it has to show, even while it is asked for again. */
function Part<T>({ of, children }: { of: UseQueryResult<T>; children: (data: T) => React.ReactNode }) {
  if (of.data !== undefined) return children(of.data);
  return of.error ? <Failed error={of.error} again={() => void of.refetch()} /> : <Loading />;
}
