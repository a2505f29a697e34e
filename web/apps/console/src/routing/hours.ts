/** Business hours as they are edited. */
import type { Hours } from "../desk/routing";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof DAYS)[number];
export type Window = [string, string];

/** What most offices begin with. */
export const OFFICE: Record<string, Window[]> = Object.fromEntries(
  DAYS.slice(0, 5).map((day) => [day, [["09:00", "18:00"]]]),
);

const clock = (hour: number): string => `${String(hour).padStart(2, "0")}:00`;

/** The hours that one more line begins with: the office's, else four from an hour after the last end. */
export function nextWindow(windows: readonly Window[]): Window {
  const last = windows.at(-1);
  if (!last) return ["09:00", "18:00"];
  const from = Math.min(Number(last[1].slice(0, 2)) + 1, 22);
  return [clock(from), clock(Math.min(from + 4, 23))];
}

/** A day off as it is kept, such as 2026-10-01; "" for what is no date. */
export function dateText(text: string): string {
  const [, year = "", month = "", day = ""] = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(text.trim()) ?? [];
  const written = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const at = new Date(`${written}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(written) ? written : "";
}

/** A browser's clock has no 24:00. */
const turned = (hours: Hours, from: string, to: string): Hours => ({
  ...hours,
  weekly:
    hours.weekly &&
    Object.fromEntries(
      Object.entries(hours.weekly).map(([day, windows]) => [
        day,
        windows.map(([begin, end]): Window => [begin, end === from ? to : end]),
      ]),
    ),
});

export const hoursEdited = (hours: Hours): Hours =>
  turned({ time_zone: hours.time_zone, weekly: hours.weekly, holidays: hours.holidays }, "24:00", "00:00");
export const hoursBody = (hours: Hours): Hours => turned(hours, "00:00", "24:00");
