/** The desk API as functions, one for each route; each resolves to the answer's body. */
import type { PastTests } from "../past-tests";
import { download, request, query } from "./request";
import type { Narrowing } from "./sorting";
import type * as T from "./types";

const id = encodeURIComponent;
/** A slow generator on one core may take this long for one answer. */
const TRIAL_MS = 120_000;

export const session = {
  read: () => request<T.Session>("GET", "/session"),
  logIn: (email: string, password: string) => request<T.Session>("POST", "/session", { body: { email, password } }),
  logOut: () => request<null>("DELETE", "/session"),
  prefer: (body: Partial<{ workspace: string; language: string; theme: string; name: string; notify_mail: boolean }>) =>
    request<T.Session>("PATCH", "/session", { body }),
  changePassword: (old: string, fresh: string) =>
    request<T.Session>("POST", "/session/password", { body: { old, new: fresh } }),
  invitation: (token: string) => request<T.Invitation>("GET", `/invitations/${id(token)}`),
  accept: (token: string, body: { name: string; password: string }) =>
    request<T.Session>("POST", `/invitations/${id(token)}`, { body }),
  ticket: () => request<{ ticket: string }>("POST", "/live-ticket"),
};

export interface ConversationFilter extends Narrowing {
  search?: string;
}

const conversation = (it: string): string => `/inbox/conversations/${id(it)}`;

export const inbox = {
  counts: () => request<T.Counts>("GET", "/inbox/counts"),
  conversations: (filter: ConversationFilter, after: string | null = null, limit = 40) =>
    request<{ conversations: T.Conversation[]; next: string | null }>(
      "GET",
      `/inbox/conversations${query({ ...filter, after, limit })}`,
    ),
  conversation: (it: string) => request<T.ConversationDetail>("GET", conversation(it)),
  messages: (it: string, place: { after?: number; before?: number; limit: number }) =>
    request<{ messages: T.Message[] }>("GET", `${conversation(it)}/messages${query(place)}`),
  turn: (it: string) => request<T.Turn>("GET", `/inbox/turns/${id(it)}`),
  move: (it: string, how: "take" | "give-back" | "resolve" | "reopen") =>
    request<T.Conversation>("POST", `${conversation(it)}/${how}`),
  assign: (it: string, member: string | null) =>
    request<T.Conversation>("POST", `${conversation(it)}/assign`, { body: { member } }),
  reply: (it: string, body: { text: string; attachments: string[] }, key: string) =>
    request<T.Message>("POST", `${conversation(it)}/messages`, { body, key }),
  note: (it: string, body: { text: string; attachments: string[]; mentions: string[] }, key: string) =>
    request<T.Message>("POST", `${conversation(it)}/notes`, { body, key }),
  attachment: (it: string) => download(`/inbox/attachments/${id(it)}`),
  read: (it: string, sequence: number) => request<null>("POST", `${conversation(it)}/read`, { body: { sequence } }),
  judge: (it: string, message: string, verdict: "right" | "wrong" | "") =>
    request<null>("PUT", `/inbox/conversations/${id(it)}/messages/${id(message)}/verdict`, { body: { verdict } }),
  reveal: (message: string) => request<{ text: string }>("POST", `/inbox/messages/${id(message)}/reveal`),
};

export const library = {
  sources: () => request<{ sources: T.Source[] }>("GET", "/library/sources"),
  source: (it: string) => request<T.Source & { pages: T.SourcePage[] }>("GET", `/library/sources/${id(it)}`),
  addUrl: (url: string) => request<T.Source>("POST", "/library/urls", { body: { url } }),
  addArticle: (title: string, text: string) =>
    request<T.Source>("POST", "/library/articles", { body: { title, text } }),
  article: (source: string) =>
    request<{ title: string; text: string }>("GET", `/library/sources/${id(source)}/article`),
  changeArticle: (source: string, body: { title: string; text: string }) =>
    request<T.Source>("PUT", `/library/sources/${id(source)}/article`, { body }),
  readAgain: (it: string) => request<T.Source>("POST", `/library/sources/${id(it)}/read`),
  publish: (it: string, reason: string) =>
    request<T.Source>("POST", `/library/sources/${id(it)}/publish`, { body: { reason } }),
  cancel: (it: string) => request<T.Source>("POST", `/library/sources/${id(it)}/cancel`),
  remove: (it: string, past?: PastTests) =>
    request<null>("DELETE", `/library/sources/${id(it)}${query(asQuery(past))}`),
  document: (it: string) => request<T.LibraryDocument>("GET", `/library/documents/${id(it)}`),
  passage: (it: string) => request<T.Passage>("GET", `/library/passages/${id(it)}`),
  faqs: (search: string, after: string | null = null, limit = 50) =>
    request<{ faqs: T.Faq[]; next: string | null }>("GET", `/library/faqs${query({ search, after, limit })}`),
  addFaq: (body: FaqBody) => request<T.Source>("POST", "/library/faqs", { body }),
  changeFaq: (it: string, body: FaqBody) => request<T.Source>("PUT", `/library/faqs/${id(it)}`, { body }),
  removeFaq: (it: string, past?: PastTests) =>
    request<null>("DELETE", `/library/faqs/${id(it)}${query(asQuery(past))}`),
  ask: (question: string, history: T.Said[]) =>
    request<T.Trial>("POST", "/library/try", { body: { question, history }, timeout: TRIAL_MS }),
  stale: (days: number) => request<{ documents: T.StaleDocument[] }>("GET", `/library/stale${query({ days })}`),
  duplicates: () => request<T.Duplicates>("GET", "/library/duplicates"),
};

export interface FaqBody {
  question: string;
  answer: string;
  more_questions: string[];
}

/** Parts of the policy; null gives a part its default again. */
export type PolicyChange = { [K in keyof T.Policy]?: T.Policy[K] | null };

export const assistant = {
  read: () => request<T.Assistant>("GET", "/assistant"),
  change: (body: { name?: string; policy?: PolicyChange }) => request<T.Assistant>("PATCH", "/assistant", { body }),
  engines: () => request<{ engines: T.EngineKind[]; generators: T.OwnGenerator[] }>("GET", "/assistant/engines"),
  setGenerator: (reference: string, options: Record<string, unknown>) =>
    request<T.Assistant>("PUT", "/assistant/engines/generator", { body: { reference, options } }),
  chooseEncoder: (language: string, reference: string, options: Record<string, unknown>) =>
    request<T.Assistant>("PUT", "/assistant/engines/encoders", {
      body: { language, reference, options },
      timeout: TRIAL_MS,
    }),
  checkGenerator: (reference: string, options: Record<string, unknown>) =>
    request<{ ok: boolean; detail: string; ms: number }>("POST", "/assistant/engines/generator/check", {
      body: { reference, options },
      timeout: TRIAL_MS,
    }),
  calibration: () => request<T.Calibration>("GET", "/assistant/calibration"),
  ask: (question: string, history: T.Said[], policy: PolicyChange) =>
    request<T.Trial>("POST", "/assistant/try", { body: { question, history, policy }, timeout: TRIAL_MS }),
};

export interface ChannelBody {
  name?: string;
  /** Of the settings, null takes one away. */
  settings?: { [K in keyof T.ChannelSettings]: T.ChannelSettings[K] | null };
  assistant_on?: boolean;
  is_active?: boolean;
}

export const channels = {
  list: () => request<{ channels: T.Channel[] }>("GET", "/channels"),
  read: (it: string) => request<T.Channel>("GET", `/channels/${id(it)}`),
  create: (body: ChannelBody & { kind: string; name: string }) => request<T.Channel>("POST", "/channels", { body }),
  change: (it: string, body: ChannelBody) => request<T.Channel>("PATCH", `/channels/${id(it)}`, { body }),
  remove: (it: string) => request<unknown>("DELETE", `/channels/${id(it)}`),
  kinds: () => request<{ kinds: T.ChannelKind[] }>("GET", "/channel-kinds"),
  addPlugIn: (kind: string, body: { name: string; values: Record<string, string | boolean> }) =>
    request<{ channel: T.Channel; hook: string; secrets: Record<string, string> }>(
      "POST",
      `/channel-kinds/${id(kind)}/channels`,
      { body },
    ),
  setup: (it: string) => request<T.ChannelSetUp>("GET", `/channels/${id(it)}/setup`),
  changeSetup: (it: string, values: Record<string, string | boolean>) =>
    request<T.ChannelSetUp>("PATCH", `/channels/${id(it)}/setup`, { body: { values } }),
  check: (it: string) =>
    request<{ checks: T.ChannelCheck[] }>("POST", `/channels/${id(it)}/check`, { timeout: TRIAL_MS }),
  testMessage: (it: string, to: string, text: string) =>
    request<T.ChannelCheck>("POST", `/channels/${id(it)}/test-message`, { body: { to, text }, timeout: TRIAL_MS }),
  pause: (it: string) => request<T.Channel>("POST", `/channels/${id(it)}/pause`),
  resume: (it: string) => request<T.Channel>("POST", `/channels/${id(it)}/resume`),
  traffic: (it: string) => request<T.ChannelTraffic>("GET", `/channels/${id(it)}/traffic`),
  deliveries: (it: string, state: "failed" | "kept" | "undone" | "sent") =>
    request<{ deliveries: T.ChannelDelivery[] }>("GET", `/channels/${id(it)}/deliveries${query({ state })}`),
  resendAll: (it: string) => request<{ count: number }>("POST", `/channels/${id(it)}/deliveries/resend`),
  resend: (delivery: string) => request<T.ChannelDelivery>("POST", `/deliveries/${id(delivery)}/resend`),
  dropDelivery: (delivery: string) => request<T.ChannelDelivery>("POST", `/deliveries/${id(delivery)}/drop`),
  identitySecret: (it: string) => request<{ secret: string }>("POST", `/channels/${id(it)}/identity-secret`),
};

export const people = {
  members: () => request<{ members: T.Member[] }>("GET", "/members"),
  invite: (body: { email: string; role: T.Role; name: string; send_mail: boolean }) =>
    request<T.Invited>("POST", "/members/invitations", { body }),
  inviteAgain: (member: string, send_mail: boolean) =>
    request<T.Invited>("POST", `/members/${id(member)}/invitation`, { body: { send_mail } }),
  change: (member: string, body: { role?: T.Role; is_active?: boolean }) =>
    request<T.Member>("PATCH", `/members/${id(member)}`, { body }),
  keys: () => request<{ keys: T.Key[] }>("GET", "/keys"),
  createKey: (body: { name: string; scopes: string[]; expires_at: string | null }) =>
    request<{ key: T.Key; secret: string }>("POST", "/keys", { body }),
  revokeKey: (it: string) => request<null>("DELETE", `/keys/${id(it)}`),
  settings: () => request<T.WorkspaceSettings>("GET", "/settings"),
  changeSettings: (body: {
    title?: string;
    default_language?: string;
    settings?: Partial<T.WorkspaceSettings["settings"]>;
  }) => request<T.WorkspaceSettings>("PATCH", "/settings", { body }),
};

const asQuery = (past?: PastTests): Record<string, string> => (past ? { override: "true", reason: past.reason } : {});
