/** The routes of figures: live, reports, what could not be answered, rates, the weekly report. */
import { download, query, request } from "./request";
import type { Person } from "./types";

export type Unit = "count" | "seconds" | "share" | "score" | "money" | "text" | "time" | "any";

export interface BothLanguages {
  en: string;
  zh: string;
}

export interface Metric {
  name: string;
  unit: Unit;
  better: "up" | "down" | "";
  has_business: boolean;
  title: BothLanguages;
  definition: BothLanguages;
}

export interface Column {
  key: string;
  unit: Unit;
  title: BothLanguages;
  definition: Partial<BothLanguages>;
}

export type Row = Record<string, unknown>;

export interface Report<R = Row, M = Record<string, unknown>> {
  report: string;
  period: { from: string; to: string; time_zone: string };
  columns: Column[];
  rows: R[];
  totals: Record<string, number | null>;
  more: M;
}

export interface Live {
  at: string;
  conversations: { bot?: number; waiting?: number; open?: number };
  unassigned: number;
  /** Seconds; null while nobody waits. */
  longest_wait: number | null;
  turns: { pending?: number; claimed?: number };
  /** null: the answering process holds no sockets. */
  online: Person[] | null;
  /** How many who answer customers are online, busy and away. */
  people: Record<"online" | "busy" | "away", number>;
  /** How many minutes `last` and the answer times look back. */
  minutes: number;
  turn_time_p50: number | null;
  turn_time_p95: number | null;
  engine_load: number;
  last: Record<string, number>;
  volume: { at: string; messages: number }[];
}

/** The period and what the figures are narrowed to. */
export type Choice = Partial<
  Record<
    "from" | "to" | "time_zone" | "channel" | "member" | "team" | "label" | "intent" | "language" | "who" | "state",
    string
  >
>;

export interface Figure {
  metric: string;
  unit: Unit;
  better: "up" | "down" | "";
  value: number | null;
  business: number | null;
  before: number | null;
}

export interface Example {
  text: string;
  conversation: string;
  at: string;
}

export interface QuestionGroup {
  id: string;
  question: string;
  number: number;
  last_at: string;
  language: string;
  state: "open" | "drafted" | "dismissed";
  source: string | null;
  examples: Example[];
  texts: string[];
}

export interface Rates {
  currency: string;
  person_conversation: number;
  assistant_turn: number;
  month: number;
}

export interface WeeklyChoice {
  members: string[];
  weekday: number;
  hour: number;
  time_zone: string;
}

export type Weekly = WeeklyChoice & { due_at: string | null; mail_configured: boolean };

const id = encodeURIComponent;

/** The address of a report: "reports/overview", or "trend" with its own parameters. */
export const reportPath = (name: string, choice: Choice, own: Record<string, string> = {}): string =>
  `/insights/${name}${query({ ...choice, ...own })}`;

export const insights = {
  metrics: () => request<{ metrics: Metric[] }>("GET", "/insights/metrics"),
  live: (signal?: AbortSignal) => request<Live>("GET", "/insights/live", signal ? { signal } : {}),
  report: <R = Row, M = Record<string, unknown>>(name: string, choice: Choice, own: Record<string, string> = {}) =>
    request<Report<R, M>>("GET", reportPath(name, choice, own)),
  csv: (name: string, choice: Choice, own: Record<string, string>, titles: "en" | "zh") =>
    download(reportPath(name, choice, { ...own, format: "csv", titles })),
  unanswered: (choice: Choice) =>
    request<Report<QuestionGroup, { state: string; not_grouped_yet: number }>>("GET", reportPath("unanswered", choice)),
  draftFaq: (group: string, body: { question: string; answer: string }) =>
    request<{ source: string }>("POST", `/insights/unanswered/${id(group)}/faq`, { body }),
  setAside: (group: string, state: "dismissed" | "open") =>
    request<null>("PUT", `/insights/unanswered/${id(group)}`, { body: { state } }),
  /** The company's time zone, which reports use unless asked for another. */
  hours: () => request<{ time_zone: string }>("GET", "/settings/hours"),
  rates: () => request<Rates>("GET", "/insights/rates"),
  changeRates: (body: Partial<Rates>) => request<Rates>("PATCH", "/insights/rates", { body }),
  weekly: () => request<Weekly>("GET", "/insights/weekly"),
  changeWeekly: (body: WeeklyChoice) => request<Weekly>("PUT", "/insights/weekly", { body }),
  mailWeekly: () => request<{ mails: number }>("POST", "/insights/weekly/mail"),
  pdf: (choice: Choice, titles: "en" | "zh") => download(reportPath("weekly.pdf", choice, { titles })),
};
