import { locale, t } from "./texts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "5 min ago", "3 h ago", "yesterday", then the date: short enough for a list. */
export function ago(time: string, now: number): string {
  const past = now - Date.parse(time);
  if (past < MINUTE) return t("time.now");
  if (past < HOUR) return t("ago.minutes", { count: Math.floor(past / MINUTE) });
  if (past < DAY) return t("ago.hours", { count: Math.floor(past / HOUR) });
  return day(time, now);
}

/** A day as people name it. */
export function day(time: string, now: number): string {
  const date = new Date(time);
  const days = Math.round((startOfDay(new Date(now)) - startOfDay(date)) / DAY);
  if (days === 0) return t("time.today");
  if (days === 1) return t("time.yesterday");
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return format(date, { month: "short", day: "numeric", ...(sameYear ? {} : { year: "numeric" }) });
}

export const clock = (time: string): string =>
  format(new Date(time), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export const moment = (time: string): string =>
  format(new Date(time), {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });

export const percent = (share: number): string => `${Math.round(share * 100)}%`;

export const milliseconds = (ms: number): string =>
  ms >= 1000
    ? `${(ms / 1000).toFixed(1)} ${t("insights.unit.s")}`
    : `${ms < 0.1 ? "< 0.1" : ms >= 10 ? Math.round(ms) : ms.toFixed(1)} ${t("insights.unit.ms")}`;

export const count = (value: number): string => new Intl.NumberFormat(locale()).format(value);

const startOfDay = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

const format = (date: Date, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(locale(), options).format(date);
