import { useEffect, useState } from 'react';

import { CONSOLE } from '../api/client';
import { Events, type Hear } from './events';

const SILENT_MS = 40_000; // the service speaks at least every 15 s
const FIRST_MS = 250;
const LONGEST_MS = 4_000;

export type Connection = 'waiting' | 'live' | 'lost';

/**
 * Listens to server-sent events while the page is seen, and comes back whenever that ends.
 *
 * `EventSource` would do it by itself, but gives up on a refusal and cannot send the console's header. Returns whether
 * it is connected; `lost` is called whenever that could not be done, so that the reason can be asked for.
 */
export function useEvents(url: string, hear: Hear, lost: () => void): Connection {
  const [connection, setConnection] = useState<Connection>('waiting');
  const [seen, setSeen] = useState(!document.hidden);
  useEffect(() => {
    const changed = () => setSeen(!document.hidden);
    document.addEventListener('visibilitychange', changed);
    return () => document.removeEventListener('visibilitychange', changed);
  }, []);
  useEffect(() => {
    if (!seen) return;
    const ending = new AbortController();
    void follow(url, ending.signal, hear, (now) => {
      if (ending.signal.aborted) return;
      setConnection(now ? 'live' : 'lost');
      if (!now) lost();
    });
    return () => ending.abort();
  }, [url, seen, hear, lost]);
  return connection;
}

async function follow(
  url: string,
  signal: AbortSignal,
  hear: Hear,
  tell: (connected: boolean) => void,
): Promise<void> {
  for (let pauseMs = FIRST_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_MS)) {
    const silence = new AbortController();
    try {
      const response = await fetch(url, {
        headers: CONSOLE,
        signal: AbortSignal.any([signal, silence.signal]),
      });
      if (response.ok && response.body) {
        pauseMs = FIRST_MS;
        tell(true);
        await read(response.body, silence, hear);
      } else tell(false);
    } catch {
      tell(false);
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function read(body: ReadableStream<Uint8Array>, silence: AbortController, hear: Hear): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const events = new Events(hear);
  for (;;) {
    const timer = setTimeout(() => silence.abort(), SILENT_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    events.take(decoder.decode(value, { stream: true }));
  }
}
