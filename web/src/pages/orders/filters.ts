import type { Schemas } from '../../api/client';

/** What is looked for, as the page's address has it. Days are Asia/Shanghai's, both included; sums are in yuan. */
export interface Filter {
  q: string;
  phone: string;
  name: string;
  waybill: string;
  words: string;
  sku: string;
  channel: string;
  shop: string[];
  status: string[];
  warehouse: string;
  since: string;
  until: string;
  least: string;
  most: string;
  odd: boolean;
  held: boolean;
}

export type Question = Omit<Schemas['Paged'], 'cursor' | 'limit' | 'count' | 'after'>;

export const NOTHING: Filter = {
  q: '',
  phone: '',
  name: '',
  waybill: '',
  words: '',
  sku: '',
  channel: '',
  shop: [],
  status: [],
  warehouse: '',
  since: '',
  until: '',
  least: '',
  most: '',
  odd: false,
  held: false,
};

// What may name a person stands behind the #, which a browser sends to nobody.
const HIDDEN: readonly string[] = ['q', 'phone', 'name'];
const DAY = /^\d{4}-\d\d-\d\d$/;

export function fromAddress(search: string, hash: string): Filter {
  const plain = new URLSearchParams(search);
  const hidden = new URLSearchParams(hash.replace(/^#/, ''));
  const filter = { ...NOTHING } as Record<string, unknown>;
  for (const [field, empty] of Object.entries(NOTHING)) {
    const from = HIDDEN.includes(field) ? hidden : plain;
    if (Array.isArray(empty)) filter[field] = from.getAll(field);
    else if (typeof empty === 'boolean') filter[field] = from.get(field) === '1';
    else filter[field] = from.get(field) ?? '';
  }
  return filter as unknown as Filter;
}

export function toAddress(filter: Filter): { search: string; hash: string } {
  const plain = new URLSearchParams();
  const hidden = new URLSearchParams();
  for (const [field, value] of Object.entries(filter) as [keyof Filter, string | string[] | boolean][]) {
    const to = HIDDEN.includes(field) ? hidden : plain;
    if (Array.isArray(value)) value.forEach((each) => to.append(field, each));
    else if (value === true) to.set(field, '1');
    else if (value) to.set(field, value);
  }
  return { search: plain.toString(), hash: hidden.toString() };
}

export function toQuestion(filter: Filter): Question {
  return {
    q: filter.q,
    phone: filter.phone,
    name: filter.name,
    waybill: filter.waybill,
    words: filter.words,
    sku: filter.sku,
    channel: filter.channel,
    shop: filter.shop,
    status: filter.status.map(Number).filter(Number.isInteger),
    warehouse: filter.warehouse,
    placed_since: DAY.test(filter.since) ? `${filter.since}T00:00:00+08:00` : '',
    placed_until: DAY.test(filter.until) ? `${dayAfter(filter.until)}T00:00:00+08:00` : '',
    amount_min_fen: fen(filter.least),
    amount_max_fen: fen(filter.most),
    odd: filter.odd,
    held: filter.held,
  };
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

function fen(yuan: string): number | null {
  const sum = Math.round(Number(yuan) * 100);
  return yuan.trim() && Number.isFinite(sum) ? sum : null;
}
