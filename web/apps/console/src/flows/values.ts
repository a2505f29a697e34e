/** A value as somebody types it into a field: numbers, true and false, null, JSON, else a text or a template. */
export function valueOf(text: string): unknown {
  const trimmed = text.trim();
  // 0012, a number of twenty digits and 1.50 would be others as numbers: those are codes, and stay as they are written.
  if (/^-?\d+(\.\d+)?$/.test(trimmed) && String(Number(trimmed)) === trimmed) return Number(trimmed);
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  if (trimmed === "null") return null;
  if (!/^[[{](?![{%])/.test(trimmed)) return text;
  try {
    return JSON.parse(trimmed) as unknown;
  } catch {
    return text;
  }
}

export const textOf = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);

/** What a call came to, in short: why it failed, or what was answered. */
export const cameOf = (call: { problem: string | null; outputs: unknown; state: string }): string =>
  call.problem || textOf(call.outputs).slice(0, 160) || call.state;

/** Words by language, also where the file has one list for all of them. */
export function wordsOf(value: unknown): Record<string, string[]> {
  if (Array.isArray(value)) return { "*": value.map(String) };
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, words]) => Array.isArray(words))
      .map(([language, words]) => [language, (words as unknown[]).map(String)]),
  );
}
