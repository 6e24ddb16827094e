import { expect, test } from 'vitest';

import { remaining, WORDS } from './words';

test('from a day on it says days and hours, below it counts, and then it is over', () => {
  const { zh, en } = WORDS;
  expect(remaining(86_400, zh)).toBe('1 天 0 小时');
  expect(remaining(2 * 86_400 + 7_199, en)).toBe('2 d 1 h');
  expect(remaining(86_399, zh)).toBe('23:59:59');
  expect(remaining(61, en)).toBe('00:01:01');
  expect(remaining(0, zh)).toBeNull();
  expect(remaining(-5, zh)).toBeNull();
});
