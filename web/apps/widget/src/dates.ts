import type { I18n, Language } from "@kefu/ui";
import type { TextKey } from "./texts";

const LOCALES: Record<Language, string> = { en: "en", zh: "zh-CN" };

export function dayName(day: Date, today: Date, language: Language, t: I18n<TextKey>["t"]): string {
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (day.toDateString() === today.toDateString()) return t("day.today");
  if (day.toDateString() === yesterday.toDateString()) return t("day.yesterday");
  const year = day.getFullYear() === today.getFullYear() ? {} : { year: "numeric" as const };
  return day.toLocaleDateString(LOCALES[language], { month: "long", day: "numeric", weekday: "short", ...year });
}

export const clock = (moment: Date, language: Language): string =>
  moment.toLocaleTimeString(LOCALES[language], { hour: "2-digit", minute: "2-digit", hour12: false });
