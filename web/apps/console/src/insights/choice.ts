import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import type { Choice } from "../desk/insights";

/** Periods that end today, in days. */
export const SPANS = ["7", "30", "90"] as const;
export type Span = (typeof SPANS)[number] | "own";
export const FILTERS = ["channel", "member", "team", "label", "intent", "language", "who"] as const;
export type Filter = (typeof FILTERS)[number];
const DAY_MS = 86_400_000;

export interface Chosen {
  span: ComputedRef<Span>;
  /** What every report is asked with. */
  choice: ComputedRef<Choice>;
  /** Filters that are set. */
  filters: ComputedRef<Partial<Record<Filter, string>>>;
  zone: ComputedRef<string>;
  /** Changes the address, and so what is shown; "" takes a value away. */
  choose: (values: Record<string, string>) => void;
}

/** Period, time zone and filters, kept in the page's address: a link shows the same figures. `company`: its time zone. */
export function useChoice(company: () => string): Chosen {
  const route = useRoute();
  const router = useRouter();
  const asked = (name: string): string => (typeof route.query[name] === "string" ? route.query[name] : "");
  const span = computed<Span>(() =>
    asked("from") && asked("to") ? "own" : (SPANS.find((days) => days === asked("days")) ?? "7"),
  );
  const zone = computed(() => asked("time_zone"));
  const filters = computed(() =>
    Object.fromEntries(FILTERS.flatMap((name) => (asked(name) ? [[name, asked(name)] as const] : []))),
  );
  const period = computed(() =>
    span.value === "own"
      ? { from: asked("from"), to: asked("to") }
      : daysUntilToday(Number(span.value), zone.value || company()),
  );
  const choice = computed<Choice>(() => ({
    ...period.value,
    ...(zone.value ? { time_zone: zone.value } : {}),
    ...filters.value,
  }));
  const choose = (values: Record<string, string>): void => {
    const query = { ...route.query, ...values };
    void router.replace({ query: Object.fromEntries(Object.entries(query).filter(([, value]) => value)) });
  };
  return { span, choice, filters, zone, choose };
}

/** The first and last date of so many days, today's included, in a time zone ("": this browser's). */
export function daysUntilToday(days: number, zone: string, now = Date.now()): { from: string; to: string } {
  const date = (time: number): string => isoDate(time, zone);
  return { from: date(now - (days - 1) * DAY_MS), to: date(now) };
}

function isoDate(time: number, zone: string): string {
  const options: Intl.DateTimeFormatOptions = { year: "numeric", month: "2-digit", day: "2-digit" };
  try {
    return new Intl.DateTimeFormat("sv-SE", { ...options, ...(zone ? { timeZone: zone } : {}) }).format(time); // Swedish dates are ISO
  } catch {
    return new Intl.DateTimeFormat("sv-SE", options).format(time); // a zone that only the server may know
  }
}
