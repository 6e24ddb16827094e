import { expect, test } from 'vitest';

import type { Entry } from './entry';
import { besideField, bodyOf, changedPath, newKey, pathOf, sumFen } from './entry';

const ENTRY: Entry = {
  shop: 'mp-main',
  lines: [
    { sku: ' TEA ', units: 2, yuan: 0.29 },
    { sku: 'CUP', units: 1, yuan: 19.9 },
  ],
  receiver: {
    name: '张三',
    phone: '138',
    province: '浙江',
    city: '杭州',
    district: undefined,
    detail: '文三路 1 号',
  },
  freight: 5,
  discount: 0.19,
  yuan: 25,
  payment: 'transfer',
  reference: 'T-1',
  paidAt: '2026-01-27T10:00',
  reason: '电话',
};

test('yuan become fen to the last digit, and a time of Shanghai stays one', () => {
  const body = bodyOf(ENTRY);
  expect([body.amount_fen, body.lines.map((line) => line.amount_fen), sumFen(ENTRY)]).toEqual([
    2500,
    [29, 1990],
    2500,
  ]);
  expect([body.lines[0]?.sku, body.paid_at, body.receiver.district]).toEqual([
    'TEA',
    '2026-01-27T10:00:00+08:00',
    '',
  ]);
});

test('what is not paid offline has neither receipt nor time', () => {
  const body = bodyOf({ ...ENTRY, payment: 'cod' });
  expect([body.reference, body.paid_at]).toEqual(['', '']);
});

test('the fields of the service are found in the form', () => {
  expect(pathOf('lines.1.amount_fen')).toEqual(['lines', 1, 'yuan']);
  expect(pathOf('receiver.city')).toEqual(['receiver', 'city']);
  const second: unknown[] = [];
  second[1] = { sku: 'TEA' };
  expect(changedPath({ lines: second })).toEqual(['lines', 1, 'sku']);
  expect(changedPath({ yuan: null })).toEqual(['yuan']);
  expect(pathOf('paid_at')).toEqual(['paidAt']);
  expect(besideField('receiver.city：应为城市名称。')).toBe('应为城市名称。');
  expect(besideField('Lines 1 + freight 0: no')).toBe('Lines 1 + freight 0: no');
});

test('every request has a name of its own', () => {
  expect(newKey()).not.toBe(newKey());
});
