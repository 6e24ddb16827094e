import { expect, test } from 'vitest';

import { pretty } from './pretty';

test('JSON and XML are indented, whatever else came is left alone', () => {
  expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(pretty('<?xml version="1.0"?><a><b>1</b><c/></a>')).toBe(
    '<?xml version="1.0"?>\n<a>\n  <b>1</b>\n  <c/>\n</a>',
  );
  expect(pretty('id,sku\n1,TEA')).toBe('id,sku\n1,TEA');
  expect(pretty('{broken')).toBe('{broken');
});
