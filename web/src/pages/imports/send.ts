import type { Schemas } from '../../api/client';
import { CONSOLE, Refused } from '../../api/client';
import { said } from '../../i18n';

export type Imported = Schemas['ImportedShape'];

export const MOST_MIB = 1; // what a request may carry (MAX_IMPORT_BYTES)
export const AT_ONCE = 200; // orders or counts written by one request

export interface Asked {
  file: File;
  map: string;
  /** `2026-01-27T18:00`, in Shanghai; "" where the file says it. */
  asOf: string;
  goodRows: boolean;
}

/** Has the file checked, or a part of it written. Throws Refused. */
export async function send(asked: Asked, begin?: number): Promise<Imported> {
  const query = new URLSearchParams();
  if (asked.asOf) query.set('as_of', `${asked.asOf}:00+08:00`);
  if (asked.goodRows) query.set('good_rows', 'true');
  if (begin !== undefined) {
    query.set('apply', 'true');
    query.set('begin', String(begin));
    query.set('count', String(AT_ONCE));
  }
  const answer = await fetch(`/api/v1/imports/${asked.map}?${query}`, {
    method: 'POST',
    headers: { ...CONSOLE, 'Content-Type': 'application/octet-stream' },
    body: asked.file,
  });
  if (answer.ok) return (await answer.json()) as Imported;
  throw await refusal(answer);
}

export interface Written {
  accepted: number;
  duplicates: number;
  refused: NonNullable<Imported['refused']>;
  stopped: boolean;
}

/** Writes the file a part at a time and tells how far it is; stops between two parts when told to. */
export async function write(
  asked: Asked,
  stopped: () => boolean,
  tell: (done: number) => void,
): Promise<Written> {
  const whole: Written = { accepted: 0, duplicates: 0, refused: [], stopped: false };
  for (let begin: number | null = 0; begin !== null;) {
    if (stopped()) return { ...whole, stopped: true };
    const part = await send(asked, begin);
    if (!part.applied && !asked.goodRows && part.faults[0]) {
      const { message, message_zh } = part.faults[0];
      throw new Refused(409, 'not-applied', said(message, message_zh));
    }
    whole.accepted += part.accepted;
    whole.duplicates += part.duplicates;
    whole.refused = [...whole.refused, ...(part.refused ?? [])];
    tell(part.next ?? Infinity);
    begin = part.next ?? null;
  }
  return whole;
}

/** An empty file with the headings of a map. Throws Refused. */
export async function template(map: string, form: string): Promise<Blob> {
  const answer = await fetch(`/api/v1/imports/${map}/template?form=${form}`, { headers: CONSOLE });
  if (answer.ok) return answer.blob();
  throw await refusal(answer);
}

async function refusal(answer: Response): Promise<Refused> {
  const no = (await answer.json()) as { error: string; message: string; message_zh: string };
  return new Refused(answer.status, no.error, said(no.message, no.message_zh));
}
