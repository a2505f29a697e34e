/** Figures as people of either language read them. */
import type { BothLanguages, Unit } from "../desk/insights";
import { language, locale, t } from "../texts";

/** Nothing to divide by, or not measured. */
export const NOTHING = "–";

const number = (value: number, options: Intl.NumberFormatOptions): string =>
  new Intl.NumberFormat(locale(), options).format(value);

/** "420 ms", "3.2 s", "4 min 10 s", "2 h 5 min", "3 d 4 h": two parts at most. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${number(seconds * 1000, { maximumFractionDigits: 0 })} ${t("insights.unit.ms")}`;
  if (seconds < 60) return `${number(seconds, { maximumFractionDigits: 1 })} ${t("insights.unit.s")}`;
  const whole = Math.round(seconds);
  if (whole < 3600) return parts([Math.floor(whole / 60), "min"], [whole % 60, "s"]);
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) return parts([Math.floor(minutes / 60), "h"], [minutes % 60, "min"]);
  const hours = Math.round(minutes / 60);
  return parts([Math.floor(hours / 24), "d"], [hours % 24, "h"]);
}

type Part = [number, "d" | "h" | "min" | "s"];
const parts = (...all: Part[]): string =>
  all
    .filter(([value], place) => value > 0 || place === 0)
    .map(([value, unit]) => `${number(value, {})} ${t(`insights.unit.${unit}`)}`)
    .join(" ");

/** A figure of a report in its unit; NOTHING for null. */
export function figure(value: unknown, unit: Unit, currency = ""): string {
  if (value === null || value === undefined || value === "") return NOTHING;
  if (typeof value !== "number") return words(value);
  switch (unit) {
    case "share":
      return number(value, { style: "percent", maximumFractionDigits: 1 });
    case "seconds":
      return duration(value);
    case "score":
      return number(value, { maximumFractionDigits: 2 });
    case "money":
      return money(value, currency);
    default:
      return number(value, { maximumFractionDigits: 2 });
  }
}

/** What a report names in both languages ({en, zh}), or its plain text. */
export const words = (value: unknown): string =>
  isBoth(value) ? value[language.value] : typeof value === "string" ? value : JSON.stringify(value);

const isBoth = (value: unknown): value is BothLanguages =>
  typeof value === "object" && value !== null && "en" in value && "zh" in value;

function money(value: number, currency: string): string {
  if (!/^[A-Z]{3}$/.test(currency)) return number(value, { maximumFractionDigits: 2 }); // Intl wants an ISO 4217 code
  return number(value, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    trailingZeroDisplay: "stripIfInteger",
  });
}

/** "+12 %" against the period before; null where either is missing or the one before is nothing. */
export function change(value: number | null, before: number | null, unit: Unit): string | null {
  if (value === null || before === null) return null;
  if (unit === "share") {
    const points = (value - before) * 100;
    return t("insights.points", { value: signed(points, 1) });
  }
  return before === 0 ? null : number((value - before) / before, { style: "percent", signDisplay: "exceptZero" });
}

const signed = (value: number, digits: number): string =>
  number(value, { maximumFractionDigits: digits, signDisplay: "exceptZero" });

/** A cost row's month ("2026-11") as an axis shows it. */
export const monthName = (month: string): string =>
  new Intl.DateTimeFormat(locale(), { year: "numeric", month: "short", timeZone: "UTC" }).format(
    new Date(`${month}-01T00:00:00Z`),
  );

/** A trend row's time ("2026-11-18" or "2026-11-18T09:00+0800") as an axis shows it, in the report's own zone. */
export function stepName(at: string): string {
  const [date = "", hour] = at.split("T");
  const day = new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", timeZone: "UTC" }).format(
    new Date(`${date}T00:00:00Z`),
  );
  return hour ? `${day} ${hour.slice(0, 5)}` : day;
}
