import type { Schemas } from '../../api/client';

export const PAYMENTS = ['transfer', 'cash', 'code', 'other', 'cod', 'none'] as const;
export const OFFLINE: readonly string[] = ['transfer', 'cash', 'code', 'other'];

/** The form as it is filled in: sums in yuan, the time of payment in Shanghai. */
export interface Entry {
  shop: string;
  lines: ({ sku?: string; units?: number | null; yuan?: number | null } | undefined)[];
  receiver: Record<'name' | 'phone' | 'province' | 'city' | 'district' | 'detail', string | undefined>;
  freight?: number | null;
  discount?: number | null;
  yuan?: number | null;
  payment: (typeof PAYMENTS)[number];
  reference?: string;
  paidAt?: string;
  number?: string;
  user?: string;
  reason?: string;
}

const fen = (yuan: number | null | undefined) => Math.round((yuan ?? 0) * 100);

/** What lines, freight and discount come to. */
export function sumFen(entry: Partial<Entry>): number {
  const lines = (entry.lines ?? []).reduce((sum, line) => sum + fen(line?.yuan), 0);
  return lines + fen(entry.freight) - fen(entry.discount);
}

export function bodyOf(entry: Entry): Schemas['ManualBody'] {
  const { name = '', phone = '', province = '', city = '', district = '', detail = '' } = entry.receiver;
  const offline = OFFLINE.includes(entry.payment);
  return {
    shop: entry.shop,
    lines: entry.lines.map((line) => ({
      sku: line?.sku?.trim() ?? '',
      units: line?.units ?? 1,
      amount_fen: fen(line?.yuan),
      title: '',
    })),
    receiver: { name, phone, province, city, district, detail },
    amount_fen: fen(entry.yuan),
    freight_fen: fen(entry.freight),
    discount_fen: fen(entry.discount),
    payment: entry.payment,
    reference: offline ? (entry.reference ?? '') : '',
    paid_at: offline && entry.paidAt ? `${entry.paidAt}:00+08:00` : '',
    reason: entry.reason ?? '',
    number: entry.number ?? '',
    user: entry.user ?? '',
    placed_at: '',
  };
}

const NAMES: Record<string, string> = {
  amount_fen: 'yuan',
  freight_fen: 'freight',
  discount_fen: 'discount',
  paid_at: 'paidAt',
};

/** Where the form shows what the service calls `lines.0.amount_fen`: `['lines', 0, 'yuan']`. */
export function pathOf(field: string): (string | number)[] {
  return field.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : (NAMES[part] ?? part)));
}

/** Which field a change was made to: antd tells it as the form with nothing else in it. */
export function changedPath(changed: unknown): (string | number)[] {
  const entry = typeof changed === 'object' && changed !== null ? Object.entries(changed)[0] : undefined;
  if (!entry) return [];
  const [name, below] = entry as [string, unknown];
  return [Array.isArray(changed) ? Number(name) : name, ...changedPath(below)];
}

/** Beside its field a sentence need not name it: `receiver.city：应为…` → `应为…`. */
export function besideField(sentence: string): string {
  return sentence.replace(/^[a-z_.0-9]+[:：]\s*/, '');
}

/** A name for one request, so that a second click makes no second order. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
