import type { ConversationFilter } from "../desk/api";
import type { Conversation } from "../desk/types";

export const VIEWS = ["waiting", "mine", "open", "bot", "resolved"] as const;
export type View = (typeof VIEWS)[number];

/** What a list shows: a view, and what it is narrowed to. */
export interface Choice {
  view: View;
  search: string;
  channel: string;
}

export const isView = (text: unknown): text is View => VIEWS.includes(text as View);

export function filterOf({ view, search, channel }: Choice): ConversationFilter {
  const narrowed = { ...(search ? { search } : {}), ...(channel ? { channel } : {}) };
  return view === "mine" ? { status: "open", assignee: "me", ...narrowed } : { status: view, ...narrowed };
}

/** Whether a conversation that changed belongs into the list. Only the server knows what a search finds. */
export function belongs(conversation: Conversation, { view, channel }: Choice, me: string | undefined): boolean {
  if (channel && conversation.channel.id !== channel) return false;
  if (view === "mine") return conversation.status === "open" && conversation.assignee?.id === me;
  return conversation.status === view;
}

/** The list's order: latest activity first, as the server gives it. */
export const byActivity = (a: Conversation, b: Conversation): number =>
  b.last_activity_at.localeCompare(a.last_activity_at) || b.id.localeCompare(a.id);
