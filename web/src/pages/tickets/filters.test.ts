import { expect, test } from 'vitest';

import { fromAddress, toAddress, toQuestion } from './filters';

const FULL = fromAddress('?view=closed&owner=finance&kind=differs&shop=mp-main&overdue=1&column=paid', '');

test('an address leads back to its filter', () => {
  expect(fromAddress(`?${toAddress(FULL)}`, 'finance')).toEqual(FULL);
});

test('a role begins with what waits for it, a link about an order with all of that order', () => {
  expect(fromAddress('', 'finance').view).toBe('mine');
  expect(fromAddress('', 'admin').view).toBe('open');
  expect(fromAddress('?order=MP1', 'finance').view).toBe('open');
});

test('one asks for the tickets of the own role, whatever stood there before', () => {
  const asked = toQuestion({ ...FULL, view: 'mine' }, 'service');
  expect([asked.owner, asked.state, asked.shop]).toEqual(['service', 'open', ['mp-main']]);
});
