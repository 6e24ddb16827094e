import { CONSOLE, refusal } from '../api/client';
import { save } from './save';

type Piece = Uint8Array<ArrayBuffer>;

/**
 * Fetches a file and hands it to the browser under `name`. `heard` is told of each piece as it comes. Throws Refused
 * with the service's sentence, and whatever `fetch` throws where it is broken off.
 */
export async function download(
  url: string,
  name: string,
  init: RequestInit = {},
  heard: (piece: Piece, answer: Response) => void = () => undefined,
): Promise<void> {
  const answer = await fetch(url, { ...init, headers: { ...CONSOLE, ...init.headers } });
  if (!answer.ok || !answer.body) throw refusal(answer, await answer.json().catch(() => undefined));
  const pieces: Piece[] = [];
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    heard(value, answer);
  }
  save(new Blob(pieces, { type: answer.headers.get('Content-Type') ?? '' }), name);
}
