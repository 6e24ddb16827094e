import { expect, test } from 'vitest';

import { formatFen, formatTime } from './format';

test('times are shown in Shanghai, whatever the zone of the machine', () => {
  expect(formatTime('2026-01-26T16:00:00Z')).toBe('2026-01-27 00:00:00');
  expect(formatTime(null)).toBe('–');
});

test('fen are shown as yuan with both digits', () => {
  expect(formatFen(123450)).toBe('¥1,234.50');
  expect(formatFen(-5)).toBe('-¥0.05');
});
