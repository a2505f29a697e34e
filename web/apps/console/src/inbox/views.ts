import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { ConversationFilter } from "../desk/api";
import { PRIORITIES } from "../desk/routing";
import type { Narrowing } from "../desk/sorting";
import type { Conversation } from "../desk/types";

/** Always in sight. */
export const VIEWS = ["waiting", "mine", "open", "bot", "resolved"] as const;
/** In the menu beside them. */
export const MORE_VIEWS = ["mentions", "snoozed", "all"] as const;
export type View = (typeof VIEWS)[number] | (typeof MORE_VIEWS)[number];

/** What a list shows: a view, what it is narrowed to, and the saved view that this is, if any. */
export interface Choice {
  view: View;
  search: string;
  filter: Narrowing;
  saved: string;
}

const BASE: Readonly<Record<View, Narrowing>> = {
  waiting: { status: ["waiting"] },
  mine: { status: ["open"], assignee: "me", snoozed: false },
  open: { status: ["open"] },
  bot: { status: ["bot"] },
  resolved: { status: ["resolved"] },
  mentions: { mentioned: true },
  snoozed: { status: ["open"], assignee: "me", snoozed: true },
  all: {},
};
const LISTS = ["status", "label"] as const;
const TEXTS = ["assignee", "channel", "language", "intent", "team", "sla"] as const;
const NUMBERS = ["days", "priority"] as const;
const FLAGS = ["unread", "mentioned", "snoozed"] as const;

export const isView = (text: unknown): text is View => typeof text === "string" && Object.hasOwn(BASE, text);

export function filterOf({ view, search, filter }: Choice): ConversationFilter {
  return { ...BASE[view], ...filter, ...(search ? { search } : {}) };
}

/** What a view and its filters come to, to be kept under a name. */
export const narrowingOf = ({ view, filter }: Choice): Narrowing => ({ ...BASE[view], ...filter });

/** How many things the list is narrowed by, beside its view. */
export const narrowedBy = (filter: Narrowing): number => Object.values(filter).filter(isSet).length;

const isSet = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== "" && value !== 0;

/** The filter without what narrows nothing. */
export const tidy = (filter: Narrowing): Narrowing =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => isSet(value))) as Narrowing;

/**
 * Whether a conversation that changed belongs into the list.
 *
 * Only the server knows what a search finds, what is unread, and where a note names somebody: such lists only lose.
 */
export function belongs(conversation: Conversation, choice: Choice, me: string | undefined): boolean {
  const wanted = filterOf(choice);
  const assignee = conversation.assignee?.id ?? "none";
  return (
    (!wanted.status?.length || wanted.status.includes(conversation.status)) &&
    (!wanted.assignee || assignee === (wanted.assignee === "me" ? me : wanted.assignee)) &&
    (!wanted.channel || conversation.channel.id === wanted.channel) &&
    (!wanted.language || conversation.language === wanted.language) &&
    (!wanted.intent || conversation.intent === wanted.intent) &&
    (wanted.label ?? []).every((label) => conversation.labels.includes(label)) &&
    (wanted.snoozed === undefined || conversation.is_snoozed === wanted.snoozed) &&
    (!wanted.team || conversation.team?.id === wanted.team) &&
    PRIORITIES.indexOf(conversation.priority) >= (wanted.priority ?? 0) &&
    (!wanted.sla || conversation.sla?.state === "warned" || conversation.sla?.state === "breached")
  );
}

/** Whether a conversation that was not in the list may come into it by a change alone. */
export function takesIn(choice: Choice): boolean {
  const { search, unread, mentioned } = filterOf(choice);
  return !search && !unread && !mentioned;
}

/** A choice as the address says it, and back. */
export function queryOf({ view, search, filter, saved }: Choice): LocationQueryRaw {
  const written = Object.entries(tidy(filter)).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(String) : String(value),
  ]);
  return {
    ...(view === "waiting" ? {} : { view }),
    ...(search ? { search } : {}),
    ...(saved ? { saved } : {}),
    ...(Object.fromEntries(written) as LocationQueryRaw),
  };
}

export function choiceOf(query: LocationQuery): Choice {
  const all = (name: string): string[] => [query[name]].flat().filter((each): each is string => Boolean(each));
  const filter: Record<string, unknown> = {};
  for (const name of LISTS) if (all(name).length) filter[name] = all(name);
  for (const name of TEXTS) if (all(name)[0]) filter[name] = all(name)[0];
  for (const name of NUMBERS) if (Number(all(name)[0]) > 0) filter[name] = Number(all(name)[0]);
  for (const name of FLAGS) if (all(name)[0]) filter[name] = all(name)[0] === "true";
  const view = all("view")[0];
  return {
    view: isView(view) ? view : "waiting",
    search: all("search")[0] ?? "",
    filter: filter as Narrowing,
    saved: all("saved")[0] ?? "",
  };
}

export const sameChoice = (a: Choice, b: Choice): boolean => JSON.stringify(queryOf(a)) === JSON.stringify(queryOf(b));

/** The list's order: latest activity first, as the server gives it. */
export const byActivity = (a: Conversation, b: Conversation): number =>
  b.last_activity_at.localeCompare(a.last_activity_at) || b.id.localeCompare(a.id);
