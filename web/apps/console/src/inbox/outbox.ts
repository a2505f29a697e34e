import type { Outgoing } from "./sending";

/** What this tab has not had confirmed, by conversation: a reload, a log-in or another page loses none of it. */
const PREFIX = "kefu.outbox.";

export function keptEntries(conversation: string): Outgoing[] {
  try {
    const kept = JSON.parse(sessionStorage.getItem(PREFIX + conversation) ?? "[]") as Outgoing[];
    // Whatever it was doing when the page went, it is tried again: its key sees to it that it is stored once.
    return kept.map((entry) => ({ ...entry, state: entry.state === "failed" ? "failed" : "sending", error: null }));
  } catch {
    return [];
  }
}

export function keepEntries(conversation: string, entries: readonly Outgoing[]): void {
  if (!entries.length) sessionStorage.removeItem(PREFIX + conversation);
  else
    sessionStorage.setItem(PREFIX + conversation, JSON.stringify(entries.map((entry) => ({ ...entry, error: null }))));
}

/** The conversations with something that is still to be sent. */
export const withEntries = (): string[] =>
  Object.keys(sessionStorage)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length));
