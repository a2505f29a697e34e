import type { Channel, PlugInField } from "../desk/types";
import { language, reasonInWords } from "../texts";

type Values = Record<string, string | boolean>;

const DAY_MS = 24 * 3600 * 1000;

/** What a form begins with: what is set, else the defaults. Secrets are never shown, so they begin empty. */
export function begun(fields: readonly PlugInField[], known: Values | null): Values {
  return Object.fromEntries(
    fields.map((field) => [field.key, field.kind === "secret" ? "" : (known?.[field.key] ?? field.default)]),
  );
}

/** What is sent of a form: without secrets that were left empty, which stay as they are or are made up. */
export function given(fields: readonly PlugInField[], values: Values): Values {
  const kept = fields.filter((field) => field.kind !== "secret" || values[field.key] !== "");
  return Object.fromEntries(kept.map((field) => [field.key, values[field.key] ?? ""]));
}

/** A plug-in's own words in the reader's language. */
export const word = (texts: Record<string, string>): string => texts[language.value] ?? texts["en"] ?? "";

/** How something went, in words: a provider says it in English only, within a sentence of ours or as both languages. */
export function told(texts: Record<string, string>): string {
  const said = texts["en"] ?? "";
  const words = reasonInWords(said);
  return words === said ? word(texts) : words;
}

/** What went wrong with a channel last, in words, or "". */
export const lastError = ({ last_error, last_error_texts }: Channel): string =>
  told({ en: last_error, ...last_error_texts });

/** Whether something failed lately and nothing has gone through since. */
export function isTroubled({ last_error, last_error_at, recovered_at }: Channel, now: number): boolean {
  if (!last_error || !last_error_at || now - Date.parse(last_error_at) >= DAY_MS) return false;
  return !recovered_at || Date.parse(recovered_at) < Date.parse(last_error_at);
}
