import { QueryClient, useQuery } from '@tanstack/react-query';

import type { Schemas } from '../api/client';
import { api, Refused, told } from '../api/client';

export type Who = Schemas['Who'];
export type Scope = 'read' | 'write' | 'refund' | 'reveal' | 'operate' | 'finance' | 'erase' | 'manage';

const WHO = ['who'];
const INSIDE = 'tongdan.inside'; // kept for public/ahead.js, which cannot see the cookie

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
queries.getQueryCache().config.onError = forget;
queries.getMutationCache().config.onError = forget;

function forget(error: unknown): void {
  if (error instanceof Refused && error.status === 401) queries.setQueryData(WHO, null);
}

/** Who is signed in in this browser; null: nobody, undefined: not known yet. */
export function useWho(): Who | null | undefined {
  return useQuery({
    queryKey: WHO,
    queryFn: async () => {
      const { who } = await told(api.GET('/session'));
      if (who) localStorage.setItem(INSIDE, '1');
      else localStorage.removeItem(INSIDE);
      return who;
    },
    staleTime: Infinity,
  }).data;
}

/** By which provider people may sign in, and why it let nobody in a moment ago; null: by none. */
export function useProvider(): Schemas['ByProvider'] | null | undefined {
  return useQuery({
    queryKey: ['provider'],
    queryFn: async () => (await told(api.GET('/session'))).provider,
    staleTime: Infinity,
  }).data;
}

export function may(who: Who | null | undefined, scope: Scope): boolean {
  return who?.scopes.includes(scope) ?? false;
}

/** Throws Refused. */
export async function signIn(entry: Schemas['Entry']): Promise<void> {
  await told(api.POST('/session', { body: entry }));
  await queries.invalidateQueries();
}

/** Nothing is asked any more, and the page is loaded anew, so that nothing of what was seen stays in it. Whoever came by
 * the provider leaves there too. */
export async function signOut(): Promise<void> {
  const byProvider = queries.getQueryData<Who | null>(WHO)?.by_provider;
  queries.setQueryData(WHO, null);
  await new Promise((gone) => setTimeout(gone)); // the pages are, and nothing of them asks again
  window.stop(); // what waits in the browser for a connection would go out without the cookie
  await told(api.DELETE('/session'));
  localStorage.removeItem(INSIDE);
  if (byProvider) location.assign('/sign-in/oidc/leave');
  else location.reload();
}
