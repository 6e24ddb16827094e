import type { Schemas } from '../../api/client';

/** The role that a view is narrowed to, or all that is open, or what is closed. */
export type View = 'mine' | 'open' | 'closed';

/** Which tickets, as the page's address has it. */
export interface Filter {
  view: View;
  owner: string;
  kind: string;
  channel: string;
  shop: string;
  partner: string;
  order: string;
  column: string;
  overdue: boolean;
}

export type Question = Omit<Schemas['TicketsExported'], 'form' | 'language'>;

const FIELDS = ['owner', 'kind', 'channel', 'shop', 'partner', 'order', 'column'] as const;
/** Roles that tickets wait for. */
export const OWNERS: readonly string[] = ['operations', 'warehouse', 'service', 'finance'];

/** Whoever has a role that tickets wait for begins with those; a link about something begins with all of it. */
export function fromAddress(search: string, role: string): Filter {
  const asked = new URLSearchParams(search);
  const filter = Object.fromEntries(FIELDS.map((each) => [each, asked.get(each) ?? '']));
  const plain = OWNERS.includes(role) && FIELDS.every((each) => !filter[each]) ? 'mine' : 'open';
  const view = (['mine', 'open', 'closed'] as const).find((each) => each === asked.get('view')) ?? plain;
  return { ...filter, view, overdue: asked.get('overdue') === '1' } as Filter;
}

export function toAddress(filter: Filter): string {
  const address = new URLSearchParams({ view: filter.view });
  for (const each of FIELDS) if (filter[each]) address.set(each, filter[each]);
  if (filter.overdue) address.set('overdue', '1');
  return address.toString();
}

export function toQuestion(filter: Filter, role: string): Question {
  return {
    state: filter.view === 'closed' ? 'closed' : 'open',
    owner: filter.view === 'mine' ? role : filter.owner,
    kind: filter.kind,
    partner: filter.partner,
    order: filter.order,
    channel: filter.channel,
    column: filter.column,
    shop: filter.shop ? [filter.shop] : [],
    overdue: filter.overdue,
  };
}
