import { count, milliseconds } from "../format";
import { named, t } from "../texts";

/** What a check of data and a search for options count: 0 and 1 are no shares. */
const COUNTS = new Set(
  "duplicates contradictions near_contradictions leaks suspects personal finished pruned failed features labels".split(
    " ",
  ),
);
/** Neither are these, however small. */
const NUMBERS = /nll|loss|likelihood|perplexity|difference|learning_rate|^mae/;

/** A figure of a model as people read it: shares in percent, times and sizes with their unit. */
export function figure(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (name.endsWith("_ms")) return milliseconds(value);
  if (name.endsWith("_mb")) return `${value >= 10 ? Math.round(value) : value.toFixed(1)} MB`;
  if (name.endsWith("seconds")) return `${value.toFixed(1)} ${t("insights.unit.s")}`;
  if (NUMBERS.test(name)) return value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(1) : value.toFixed(2);
  if (COUNTS.has(name)) return count(value);
  if (Number.isInteger(value) && value > 1) return count(value);
  return Math.abs(value) <= 1 ? `${(100 * value).toFixed(1)}%` : value.toFixed(2);
}

/** "latency_p95_ms" as words. */
export function words(name: string): string {
  const ours = named("figure", name);
  return ours === name ? spelled(name) : ours;
}

const spelled = (name: string): string =>
  name
    .replace(/_(ms|mb)$/, "")
    .replaceAll("_", " ")
    .replace(/^(ece|nll|oos)|(?<=\bmacro )f1|^./g, (part) => part.toUpperCase());

/** Bounds and side figures, which the report holds. */
export const isSide = (name: string): boolean => /_(low|high)$|^(brier|nll)$|p50/.test(name);

/** Hands a file of the server to the person. */
export function save(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** What was not gathered, a line for each reason. */
export const leftOut = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts).map(([why, many]) => t(`data.left.${why}` as "data.left.unanswered", { count: many }));

/** Options as they were typed, without those that were left empty; numbers and truth values are told by their form. */
export function optionsOf(typed: Readonly<Record<string, string>>): Record<string, unknown> {
  const given = Object.entries(typed).filter(([, value]) => value.trim());
  return Object.fromEntries(given.map(([name, value]) => [name, valueOf(value.trim())]));
}

function valueOf(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
