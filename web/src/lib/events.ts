export type Hear = (event: string, data: string) => void;

/** Puts events together from pieces that end anywhere. Comments are passed over. */
export class Events {
  private rest = '';

  constructor(readonly hear: Hear) {}

  take(piece: string): void {
    const whole = (this.rest + piece).split('\n\n');
    this.rest = whole.pop()!;
    for (const event of whole) {
      const fields = event.split('\n').map((line) => line.split(/: ?(.*)/s, 2));
      const of = (name: string) => fields.flatMap(([key, value]) => (key === name ? [value ?? ''] : []));
      const data = of('data');
      if (data.length) this.hear(of('event')[0] ?? 'message', data.join('\n'));
    }
  }
}
