import { expect, test } from 'vitest';

import en from './en.json';
import zh from './zh-CN.json';

type Tree = { [name: string]: string | Tree };

function paths(tree: Tree, above = ''): string[] {
  return Object.entries(tree).flatMap(([name, each]) =>
    typeof each === 'string' ? [above + name] : paths(each, `${above}${name}.`),
  );
}

test('both languages say everything', () => {
  expect(paths(en)).toEqual(paths(zh));
});
