import { moment } from "../format";
import { t, type TextKey } from "../texts";

export interface SnoozeChoice {
  label: TextKey;
  /** ISO time; null: until the customer writes. */
  until: string | null;
}

const MORNING = 9; // o'clock: when an agent's day begins

/** For how long a conversation is usually put away, from a moment on, in this browser's own time. */
export function snoozeChoices(from: Date): SnoozeChoice[] {
  const at = (days: number, hour: number): string => {
    const day = new Date(from);
    day.setDate(day.getDate() + days);
    day.setHours(hour, 0, 0, 0);
    return day.toISOString();
  };
  const toMonday = (8 - from.getDay()) % 7 || 7;
  return [
    { label: "snooze.reply", until: null },
    { label: "snooze.hours", until: new Date(from.getTime() + 3 * 3_600_000).toISOString() },
    { label: "snooze.tomorrow", until: at(1, MORNING) },
    { label: "snooze.week", until: at(toMonday, MORNING) },
  ];
}

/** "Until tomorrow 9:00", for people. */
export const snoozedText = (until: string | null): string =>
  until ? t("snooze.until", { time: moment(until) }) : t("snooze.until.reply");
