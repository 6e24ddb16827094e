import { expect, test } from 'vitest';

import { formatFen, formatSpan, formatTime } from './format';

test('times are shown in Shanghai, whatever the zone of the machine', () => {
  expect(formatTime('2026-01-26T16:00:00Z')).toBe('2026-01-27 00:00:00');
  expect(formatTime(null)).toBe('–');
});

test('fen are shown as yuan with both digits', () => {
  expect(formatFen(123450)).toBe('¥1,234.50');
  expect(formatFen(-5)).toBe('-¥0.05');
});

test('a span has one unit', () => {
  expect([0, 59, 60, 5_400, 172_800].map((each) => formatSpan(each, 'en'))).toEqual([
    '0 sec',
    '59 sec',
    '1 min',
    '1.5 hr',
    '2 days',
  ]);
});
