import { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

import { Refused } from '../api/client';

let wanted = false;
const listeners = new Set<() => void>();

function want(now: boolean): void {
  if (wanted === now) return;
  wanted = now;
  for (const listener of listeners) listener();
}

/** Whether somebody has to sign in before anything else can be shown. */
export function useSignInWanted(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => wanted,
  );
}

function onError(error: unknown): void {
  if (error instanceof Refused && error.status === 401) want(true);
}

/** Refusals are final; what did not come at all (a service that is started again) is asked for until it does. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (_, error) => !(error instanceof Refused),
      retryDelay: (n) => Math.min(500 * 2 ** n, 5_000),
      staleTime: 5_000,
    },
  },
});
queries.getQueryCache().config.onError = onError;
queries.getMutationCache().config.onError = onError;

/** Null, or why not. */
export async function signIn(key: string): Promise<{ en: string; zh: string } | null> {
  const answer = await fetch('/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Tongdan-Console': '1' },
    body: JSON.stringify({ key }),
  });
  if (!answer.ok) {
    const no = (await answer.json()) as { message: string; message_zh: string };
    return { en: no.message, zh: no.message_zh };
  }
  want(false);
  await queries.invalidateQueries();
  return null;
}

export async function signOut(): Promise<void> {
  await fetch('/session', { method: 'DELETE', headers: { 'X-Tongdan-Console': '1' } });
  queries.clear();
  want(true);
}
