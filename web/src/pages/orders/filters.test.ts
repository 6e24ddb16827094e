import { expect, test } from 'vitest';

import { fromAddress, NOTHING, toAddress, toQuestion } from './filters';

const FULL = {
  ...NOTHING,
  q: '138 0000 & #',
  phone: '1234',
  shop: ['dy-main', 'mp-main'],
  status: ['2', '5'],
  since: '2026-01-01',
  until: '2026-01-31',
  least: '12.34',
  odd: true,
};

test('an address leads back to its filter', () => {
  for (const filter of [NOTHING, FULL]) {
    const { search, hash } = toAddress(filter);
    expect(fromAddress(`?${search}`, `#${hash}`)).toEqual(filter);
  }
});

test('what may name a person is in no part of the address that is sent', () => {
  expect(toAddress(FULL).search).not.toMatch(/138|1234/);
});

test('days are whole days of Shanghai and sums are fen', () => {
  const asked = toQuestion(FULL);
  expect([asked.placed_since, asked.placed_until]).toEqual([
    '2026-01-01T00:00:00+08:00',
    '2026-02-01T00:00:00+08:00',
  ]);
  expect([asked.amount_min_fen, asked.amount_max_fen]).toEqual([1234, null]);
});
