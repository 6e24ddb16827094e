import createClient from 'openapi-fetch';

import { said } from '../i18n';
import { fetchAhead } from './ahead';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** A no of the service: its name, and its sentence in the reader's language. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

// A page of another origin cannot send this header without being asked first, so a cookie alone does nothing.
export const CONSOLE = { 'X-Tongdan-Console': '1' };
export const api = createClient<paths>({ headers: CONSOLE, fetch: fetchAhead });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws Refused. */
export async function told<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (response.ok) return data as T;
  throw refusal(response, error);
}

/** What an answer that is no yes says in its `body`. */
export function refusal(response: Response, body: unknown): Refused {
  const no = body as { error?: string; message?: string; message_zh?: string } | undefined;
  const { status, statusText } = response;
  return new Refused(
    status,
    no?.error ?? 'unknown',
    said(no?.message ?? statusText, no?.message_zh ?? statusText),
  );
}
