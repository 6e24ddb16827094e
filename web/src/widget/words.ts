const DAY_S = 86_400;

export interface Words {
  label: string;
  shipsIn: (left: string) => string;
  late: string;
  failed: string;
  days: (days: number, hours: number) => string;
}

export const WORDS: Record<'zh' | 'en', Words> = {
  zh: {
    label: '发货倒计时',
    shipsIn: (left) => `最晚 ${left} 后发货`,
    late: '正在加紧发货',
    failed: '暂时查不到订单进度',
    days: (days, hours) => `${days} 天 ${hours} 小时`,
  },
  en: {
    label: 'Time until dispatch',
    shipsIn: (left) => `Ships within ${left}`,
    late: 'About to ship',
    failed: 'The order cannot be looked up just now',
    days: (days, hours) => `${days} d ${hours} h`,
  },
};

/** Seconds as `05:59:59`; from a day on as days and hours; null when there are none left. */
export function remaining(seconds: number, words: Words): string | null {
  if (seconds <= 0) return null;
  if (seconds >= DAY_S) {
    return words.days(Math.floor(seconds / DAY_S), Math.floor((seconds % DAY_S) / 3_600));
  }
  const parts = [seconds / 3_600, (seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
}
