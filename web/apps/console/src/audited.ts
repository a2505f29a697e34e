export interface Change {
  /** "settings.color" is a part of what changed. */
  name: string;
  before: string;
  after: string;
}

export const isThing = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const shown = (value: unknown): string =>
  value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);

/** What differs between before and after, part by part; a whole that came or went is shown as it is. */
export function changesOf(before: unknown, after: unknown, within = ""): Change[] {
  const old = isThing(before) ? before : {};
  const fresh = isThing(after) ? after : {};
  const names = [...new Set([...Object.keys(old), ...Object.keys(fresh)])];
  return names
    .filter((name) => JSON.stringify(old[name]) !== JSON.stringify(fresh[name]))
    .flatMap((name) =>
      isThing(old[name]) && isThing(fresh[name])
        ? changesOf(old[name], fresh[name], `${within}${name}.`)
        : [{ name: within + name, before: shown(old[name]), after: shown(fresh[name]) }],
    );
}
