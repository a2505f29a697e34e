/** The desk API of sorting and writing in the inbox, as functions, one for each route. */
import { query, request } from "./request";
import type { Priority } from "./routing";
import type { Conversation, ConversationStatus } from "./types";

const id = encodeURIComponent;
const conversation = (it: string): string => `/inbox/conversations/${id(it)}`;

export interface Label {
  id: string;
  title: string;
  colour: string;
}

/** What narrows the list; what is left out narrows nothing. */
export interface Narrowing {
  status?: ConversationStatus[];
  /** me, none, or a member's id. */
  assignee?: string;
  channel?: string;
  /** Ids; all of them must be there. */
  label?: string[];
  language?: string;
  intent?: string;
  /** Only with something said in the last so many days. */
  days?: number;
  since?: string;
  until?: string;
  unread?: boolean;
  mentioned?: boolean;
  /** Left out: both. */
  snoozed?: boolean;
  team?: string;
  /** The least: 1 low, 2 high, 3 urgent. */
  priority?: number;
  /** What was promised is late, or soon will be. */
  sla?: "soon";
}

export interface SavedView {
  id: string;
  name: string;
  is_shared: boolean;
  chosen: Narrowing;
}

export interface CannedReply {
  id: string;
  shortcut: string;
  language: string;
  text: string;
  is_shared: boolean;
}

export interface Draft {
  conversation: string;
  text: string;
  internal: boolean;
  kept_at: string;
}

export interface Result {
  conversation: string;
  done: boolean;
  code: string;
  detail: string;
}

export interface Candidate {
  id: string;
  name: string;
  email: string;
  alike: string[];
}

export interface Merge {
  contact: { id: string; profile: Record<string, unknown> };
  other: { id: string; profile: Record<string, unknown> };
  profile: Record<string, unknown>;
  lost: Record<string, unknown>;
  identities: number;
  conversations: number;
}

/** Something done to many conversations in one call. */
export type Bulk =
  | { action: "resolve" | "take" | "wake" | "read" }
  | { action: "assign"; member: string | null }
  | { action: "team"; team: string | null }
  | { action: "priority"; priority: Priority }
  | { action: "label"; add?: string[]; remove?: string[] }
  | { action: "snooze"; until: string | null };

export const sorting = {
  labels: () => request<{ labels: Label[] }>("GET", "/inbox/labels"),
  addLabel: (body: { title: string; colour: string }) => request<Label>("POST", "/inbox/labels", { body }),
  changeLabel: (it: string, body: { title?: string; colour?: string }) =>
    request<Label>("PATCH", `/inbox/labels/${id(it)}`, { body }),
  removeLabel: (it: string) => request<null>("DELETE", `/inbox/labels/${id(it)}`),
  label: (it: string, body: { add?: string[]; remove?: string[] }) =>
    request<Conversation>("POST", `${conversation(it)}/labels`, { body }),
  snooze: (it: string, until: string | null) =>
    request<Conversation>("POST", `${conversation(it)}/snooze`, { body: { until } }),
  wake: (it: string) => request<Conversation>("POST", `${conversation(it)}/wake`),
  many: (conversations: string[], body: Bulk) =>
    request<{ results: Result[] }>("POST", "/inbox/many", { body: { conversations, ...body } }),
  choices: () => request<{ languages: string[]; intents: string[] }>("GET", "/inbox/choices"),
  views: () => request<{ views: SavedView[] }>("GET", "/inbox/views"),
  viewCounts: () => request<{ counts: Record<string, number> }>("GET", "/inbox/views/counts"),
  saveView: (body: { name: string; chosen: Narrowing; is_shared: boolean }) =>
    request<SavedView>("POST", "/inbox/views", { body }),
  changeView: (it: string, body: { name?: string; chosen?: Narrowing }) =>
    request<SavedView>("PATCH", `/inbox/views/${id(it)}`, { body }),
  removeView: (it: string) => request<null>("DELETE", `/inbox/views/${id(it)}`),
  seeMentions: (it: string) => request<null>("POST", `${conversation(it)}/mentions/seen`),
};

export const writing = {
  drafts: () => request<{ drafts: Draft[] }>("GET", "/inbox/drafts"),
  draft: (it: string) => request<{ drafts: Draft[] }>("GET", `/inbox/drafts${query({ conversation: it })}`),
  keepDraft: (it: string, body: { text: string; internal: boolean }) =>
    request<null>("PUT", `${conversation(it)}/draft`, { body }),
  transcript: (it: string, body: { to: string | null; with_originals: boolean }) =>
    request<{ to: string }>("POST", `${conversation(it)}/transcript`, { body }),
  canned: () => request<{ canned: CannedReply[] }>("GET", "/canned"),
  addCanned: (body: Omit<CannedReply, "id">) => request<CannedReply>("POST", "/canned", { body }),
  changeCanned: (it: string, body: Partial<Omit<CannedReply, "id" | "is_shared">>) =>
    request<CannedReply>("PATCH", `/canned/${id(it)}`, { body }),
  removeCanned: (it: string) => request<null>("DELETE", `/canned/${id(it)}`),
  fillCanned: (it: string, forConversation: string) =>
    request<{ text: string; missing: string[] }>("POST", `/canned/${id(it)}/fill`, {
      body: { conversation_id: forConversation },
    }),
};

export const merging = {
  candidates: (contact: string, search: string) =>
    request<{ candidates: Candidate[] }>("GET", `/contacts/${id(contact)}/alike${query({ search })}`),
  preview: (contact: string, other: string) =>
    request<Merge>("GET", `/contacts/${id(contact)}/merge${query({ other })}`),
  merge: (contact: string, other: string) =>
    request<Merge>("POST", `/contacts/${id(contact)}/merge`, { body: { other } }),
};
