import { Suspense, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';

import type { Schemas } from '../../api/client';
import { lazily } from '../../app/lazily';
import { HeatTable, type HeatCell } from '../../components/HeatTable';
import { Failed, Loading } from '../../components/Told';
import { said } from '../../i18n';
import { formatTime } from '../../lib/format';
import type { Connection } from '../../lib/useEvents';
import './board.css';
import { type Filters, useBoard } from './useBoard';

const CellOrders = lazily(() => import('./CellOrders'));

const AGES = ['1d', '1-3d', '3-7d', '7d+'] as const;
const ALL = 'all';
const NONE: HeatCell = { count: 0, odd: 0 };

/** How many orders of each channel stand where, as it changes. The address holds everything that is chosen. */
export default function BoardPage() {
  const [chosen, setChosen] = useSearchParams();
  const shop = chosen.get('shop') ?? '';
  const warehouse = chosen.get('warehouse') ?? '';
  const age = AGES.find((each) => each === chosen.get('age')) ?? '';
  const filters = useMemo<Filters>(() => ({ shop, warehouse, age }), [shop, warehouse, age]);
  const board = useBoard(filters);
  const cells = useMemo(() => counted(board.data), [board.data]);
  const { t } = useTranslation();
  const column = board.data?.columns.find((each) => each.id === chosen.get('column'));

  function choose(changes: Record<string, string>): void {
    const next = new URLSearchParams(chosen);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    setChosen(next);
  }

  if (board.isPending) return <Loading />;
  if (!board.data) return <Failed error={board.error} again={() => void board.refetch()} />;
  const channels = board.data.channels.map((each) => ({
    id: each.channel,
    title: said(each.name, each.name_zh),
  }));
  const rows = [...channels, { id: ALL, title: t('board.all') }];
  const columns = board.data.columns.map((each) => ({ id: each.id, title: said(each.title, each.title_zh) }));
  const channel = rows.find((each) => each.id === chosen.get('channel')) ?? rows.at(-1)!;
  const cellOf = (row: string, column: string) => cells.get(`${row} ${column}`) ?? NONE;
  return (
    <div className={column ? 'beside-cell' : ''}>
      <h1 className="page-title">{t('board.title')}</h1>
      <Bar board={board.data} filters={filters} choose={choose} />
      <Freshness board={board.data} connection={board.connection} cells={cells} />
      <HeatTable
        caption={t('board.caption')}
        corner={t('board.channel')}
        rows={rows}
        columns={columns}
        cell={cellOf}
        name={(row, column, { count, odd }) =>
          t(odd ? 'board.cellOdd' : 'board.cell', { row: row.title, column: column.title, count, odd })
        }
        mark={t('board.odd')}
        picked={(row, id) => id === column?.id && row === channel.id}
        onPick={(row, column) => choose({ channel: row, column, odd: '' })}
      />
      <p className="quiet">{t('board.legend')}</p>
      {column && (
        <Suspense>
          <CellOrders
            title={`${channel.title} · ${said(column.title, column.title_zh)}`}
            query={{ ...filters, column: column.id, channel: channel.id === ALL ? '' : channel.id }}
            cell={cellOf(channel.id, column.id)}
            odd={chosen.get('odd') === '1'}
            onOdd={(odd) => choose({ odd: odd ? '1' : '' })}
            onClose={() => {
              document.querySelector<HTMLElement>('.heat-cell[aria-pressed="true"]')?.focus();
              choose({ channel: '', column: '', odd: '' });
            }}
          />
        </Suspense>
      )}
    </div>
  );
}

/** `ROW COLUMN` → its counts, with a row of sums. */
function counted(board: Schemas['Board'] | undefined): Map<string, HeatCell> {
  const found = new Map<string, HeatCell>();
  for (const { channel, cells } of board?.channels ?? []) {
    for (const { column, orders, odd } of cells) {
      const sum = found.get(`${ALL} ${column}`) ?? NONE;
      found.set(`${channel} ${column}`, { count: orders, odd });
      found.set(`${ALL} ${column}`, { count: sum.count + orders, odd: sum.odd + odd });
    }
  }
  return found;
}

function Bar({
  board,
  filters,
  choose,
}: {
  board: Schemas['Board'];
  filters: Filters;
  choose: (changes: Record<string, string>) => void;
}) {
  const { t } = useTranslation();
  const ages = AGES.map((age) => ({ id: age, name: t(`board.ages.${age}`) }));
  const choices = [
    ['shop', t('board.allShops'), board.shops],
    ['warehouse', t('board.allWarehouses'), board.warehouses],
    ['age', t('board.anyAge'), ages],
  ] as const;
  return (
    <div className="bar" role="group" aria-label={t('board.filters')}>
      {choices.map(([field, all, options]) => (
        <select
          key={field}
          aria-label={t(`board.${field}`)}
          value={filters[field]}
          onChange={(event) => choose({ [field]: event.target.value })}
        >
          <option value="">{all}</option>
          {options.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      ))}
    </div>
  );
}

function Freshness({
  board,
  connection,
  cells,
}: {
  board: Schemas['Board'];
  connection: Connection;
  cells: Map<string, HeatCell>;
}) {
  const { t } = useTranslation();
  const odd = board.columns.reduce((sum, { id }) => sum + (cells.get(`${ALL} ${id}`)?.odd ?? 0), 0);
  return (
    <p className="freshness">
      <span className={odd ? 'worry-text' : 'quiet'}>
        {odd ? `≠ ${t('board.oddTotal', { odd })}` : t('board.noOdd')}
      </span>
      <span className="grow" />
      {board.percent_indexed != null && (
        <span className="worry-text">{t('board.indexing', { percent: board.percent_indexed })}</span>
      )}
      <span className="quiet">{t('board.asOf', { at: formatTime(board.as_of) })}</span>
      <span className={connection === 'lost' ? 'worry-text' : 'quiet'} role="status">
        {connection === 'live' ? '● ' : '○ '}
        {t(`board.${connection}`)}
      </span>
    </p>
  );
}
