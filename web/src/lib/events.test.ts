import { expect, test } from 'vitest';

import { Events } from './events';

test('events are whole however they are cut, and comments are none', () => {
  const text =
    ': hello\n\nevent: counts\ndata: {"a": 1}\n\ndata: x\ndata: y\n\nevent: unchanged\ndata: 12:00:01\n\n';
  for (let cut = 0; cut <= text.length; cut++) {
    const heard: [string, string][] = [];
    const events = new Events((event, data) => heard.push([event, data]));
    events.take(text.slice(0, cut));
    events.take(text.slice(cut));
    expect(heard).toEqual([
      ['counts', '{"a": 1}'],
      ['message', 'x\ny'],
      ['unchanged', '12:00:01'],
    ]);
  }
});
