import './tickets.css';

import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Button, Empty, Segmented, Space, Tag } from 'antd';
import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { queries, useWho } from '../../app/session';
import { Export } from '../../components/Export';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatTime } from '../../lib/format';
import { Evidence } from './Evidence';
import { Filters } from './Filters';
import { type Filter, fromAddress, OWNERS, toAddress, toQuestion, type View } from './filters';
import { Numbers } from './Numbers';

type Ticket = Schemas['Ticket'];

const PAGE_ROWS = 50;
const LOOK_EVERY_MS = 5_000;
const BEHIND_MS = 800; // the list is a moment behind what was decided
const KEY = ['tickets'];

/** The inbox: what waits for whom, what both sides say, and what may be done about it. */
export default function Tickets() {
  const { t } = useTranslation();
  const [address, setAddress] = useSearchParams();
  const role = useWho()?.role ?? '';
  const filter = useMemo(() => fromAddress(address.toString(), role), [address, role]);
  const question = useMemo(() => toQuestion(filter, role), [filter, role]);
  const look = (changed: Partial<Filter>) => setAddress(toAddress({ ...filter, ...changed }));
  const found = useInfiniteQuery({
    queryKey: [...KEY, 'list', question],
    queryFn: ({ pageParam }) =>
      told(
        api.GET('/api/v1/tickets', {
          params: { query: { ...question, cursor: pageParam, limit: PAGE_ROWS, count: !pageParam } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: LOOK_EVERY_MS,
  });
  const views: View[] = OWNERS.includes(role) ? ['mine', 'open', 'closed'] : ['open', 'closed'];
  return (
    <>
      <h1 className="page-title">{t('tickets.title')}</h1>
      <Numbers />
      <Space wrap className="found">
        <Segmented<View>
          aria-label={t('tickets.views')}
          value={filter.view}
          options={views.map((each) => ({ value: each, label: t(`tickets.view.${each}`) }))}
          onChange={(view) => look({ view })}
        />
        <Export path="/api/v1/tickets/export" counted="X-Tickets" name="tickets" question={question} />
      </Space>
      <Filters filter={filter} look={look} />
      {found.isPending && <Loading />}
      {found.isError && <Failed error={found.error} again={() => void found.refetch()} />}
      {found.data && (
        <>
          <Told page={found.data.pages[0]!} />
          <List rows={found.data.pages.flatMap((page) => page.tickets)} filter={filter} />
          {found.hasNextPage && (
            <Button block onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
              {t('tickets.more', { count: PAGE_ROWS })}
            </Button>
          )}
        </>
      )}
    </>
  );
}

function Told({ page }: { page: Schemas['TicketPage'] }) {
  const { t } = useTranslation();
  return (
    <p className="quiet">
      {page.count != null &&
        `${t('tickets.count', { n: page.count.toLocaleString() + (page.more ? '+' : '') })} · `}
      {t('tickets.asOf', { at: formatTime(page.as_of) })}
    </p>
  );
}

function List({ rows, filter }: { rows: Ticket[]; filter: Filter }) {
  const { t, i18n } = useTranslation();
  const statuses = useQuery({
    queryKey: ['statuses'],
    queryFn: () => told(api.GET('/api/v1/statuses')),
    staleTime: Infinity,
  });
  const names = useMemo(
    () =>
      new Map(
        (statuses.data ?? []).map((each) => [each.name, i18n.language === 'en' ? each.name : each.name_zh]),
      ),
    [statuses.data, i18n.language],
  );
  const done = useCallback(() => {
    setTimeout(() => void queries.invalidateQueries({ queryKey: KEY }), BEHIND_MS);
    return queries.invalidateQueries({ queryKey: KEY });
  }, []);
  if (!rows.length) {
    const asked = toAddress({ ...filter, view: 'open' }) !== 'view=open';
    return <Empty description={t(filter.view === 'closed' || asked ? 'tickets.none' : 'tickets.noneOpen')} />;
  }
  return rows.map((each) => <One key={each.id} ticket={each} statuses={names} done={done} />);
}

interface One {
  ticket: Ticket;
  statuses: ReadonlyMap<string, string>;
  done: () => Promise<unknown>;
}

function One({ ticket, statuses, done }: One) {
  const { t } = useTranslation();
  const title = said(ticket.title, ticket.title_zh);
  const owner = t(`role.${ticket.owner as 'admin'}`, { defaultValue: ticket.owner });
  return (
    <article className="panel ticket" aria-label={`${ticket.subject} ${title}`}>
      <h2>
        {ticket.open ? '⚠ ' : '✓ '}
        {title}
      </h2>
      <div className="about">
        {ticket.place ? (
          <>
            <Link className="mono" to={`/orders/${ticket.place.order}`}>
              {ticket.subject}
            </Link>
            <span>{`${ticket.place.channel} · ${ticket.place.shop}`}</span>
            <span className="mono quiet">{ticket.place.native}</span>
          </>
        ) : (
          <span className="mono">{ticket.subject}</span>
        )}
        <Tag>{owner}</Tag>
        <span className="quiet">
          {t('tickets.raised', { at: formatTime(ticket.raised_at) })}
          {ticket.times > 1 && ` · ${t('tickets.times', { count: ticket.times })}`}
        </span>
        {ticket.open && ticket.repair_by && (
          <span className={ticket.overdue ? 'worry-text' : 'quiet'}>
            {t(ticket.overdue ? 'tickets.late' : 'tickets.due', { at: formatTime(ticket.repair_by) })}
          </span>
        )}
        {!ticket.open && (
          <span>
            {t('tickets.closedAt', { at: formatTime(ticket.closed_at) })}
            {ticket.by && ` · ${t(`tickets.by.${ticket.by as 'itself'}`)}`}
            {ticket.evidence && ` · ${t('tickets.evidence', { evidence: ticket.evidence })}`}
          </span>
        )}
      </div>
      {ticket.dispute?.sides.length ? (
        <Evidence ticket={ticket} dispute={ticket.dispute} statuses={statuses} done={done} />
      ) : (
        <div>{ticket.summary}</div>
      )}
    </article>
  );
}
