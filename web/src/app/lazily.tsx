import type { ComponentType } from 'react';
import { lazy } from 'react';

/** A component in a chunk of its own, which comes beside Ant Design: neither is in what the first page waits for. */
export function lazily<P extends object>(load: () => Promise<{ default: ComponentType<P> }>) {
  return lazy(async () => {
    const [{ Themed }, { default: Body }] = await Promise.all([import('./Themed'), load()]);
    return {
      default: (props: P) => (
        <Themed>
          <Body {...props} />
        </Themed>
      ),
    };
  });
}
