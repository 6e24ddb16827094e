const ZONE = 'Asia/Shanghai';

const moment = new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE, dateStyle: 'short', timeStyle: 'medium' });
const yuan = new Intl.NumberFormat('zh-CN', { style: 'currency', currency: 'CNY' });

/** `2026-01-27 14:05:09` in Asia/Shanghai, whatever the browser's zone is; an en dash for no time. */
export function formatTime(at: string | null | undefined): string {
  return at ? moment.format(new Date(at)) : '–';
}

/** Integer fen as CNY: 123450 → `¥1,234.50`. */
export function formatFen(fen: number): string {
  return yuan.format(fen / 100);
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** How long something took, in the one unit that people would say it in: 5400 → `1.5 hr`. */
export function formatSpan(seconds: number, language: string): string {
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? (['second', 1] as const);
  const style = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(language, style).format(seconds / length);
}
