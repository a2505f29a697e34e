/** Ways in, sessions, roles, the audit trail and contacts: the desk API as functions. */
import { download, query, request } from "./request";
import type { AuditEntry, ContactDetail, Role, Session } from "./types";
import { sent } from "./upload";

const id = encodeURIComponent;

export interface SecondFactor {
  is_on: boolean;
  since: string | null;
  codes_left: number;
  required_by: string[];
}

export interface SignIn {
  id: string;
  browser: string;
  device: string;
  address: string;
  way: "password" | "sso";
  created_at: string;
  last_seen_at: string;
  is_current: boolean;
}

export interface SignOn {
  issuer: string;
  client_id: string;
  has_secret: boolean;
  domains: string[];
  newcomer_role: "" | "supervisor" | "agent" | "viewer";
  trusts_unverified: boolean;
  is_on: boolean;
  is_only_way: boolean;
  break_glass: string | null;
  address: string;
  redirect: string;
}

export interface Grant {
  name: string;
  least: Role;
  roles: Role[];
}

export interface AuditFilter {
  member?: string;
  kind?: string;
  since?: string;
  until?: string;
}

export const access = {
  ways: (workspace: string) =>
    request<{ workspace: { slug: string; title: string } | null }>("GET", `/session/ways${query({ workspace })}`),
  giveCode: (code: string) => request<Session>("POST", "/session/code", { body: { code } }),
  secondFactor: () => request<SecondFactor>("GET", "/session/second-factor"),
  beginSecondFactor: (password: string) =>
    request<{ secret: string; address: string; picture: string }>("POST", "/session/second-factor/app", {
      body: { password },
    }),
  confirmSecondFactor: (code: string) =>
    request<{ recovery_codes: string[] }>("PUT", "/session/second-factor/app", { body: { code } }),
  newRecoveryCodes: (password: string) =>
    request<{ recovery_codes: string[] }>("POST", "/session/second-factor/recovery-codes", { body: { password } }),
  removeSecondFactor: (password: string) =>
    request<SecondFactor>("POST", "/session/second-factor/off", { body: { password } }),
  sessions: () => request<{ sessions: SignIn[] }>("GET", "/session/list"),
  endSession: (it: string) => request<null>("DELETE", `/session/list/${id(it)}`),
  endOthers: () => request<{ ended: number }>("DELETE", "/session/list"),
  sessionsOf: (member: string) => request<{ sessions: SignIn[] }>("GET", `/members/${id(member)}/sessions`),
  endSessionsOf: (member: string, session?: string) =>
    request<{ ended: number }>("DELETE", `/members/${id(member)}/sessions${query({ session })}`),
  resetSecondFactor: (member: string) => request<null>("DELETE", `/members/${id(member)}/second-factor`),
  unlink: (member: string) => request<null>("DELETE", `/members/${id(member)}/sso`),
  signOn: () => request<SignOn>("GET", "/settings/sso"),
  changeSignOn: (body: Partial<SignOn> & { secret?: string }) => request<SignOn>("PATCH", "/settings/sso", { body }),
  checkSignOn: () => request<null>("POST", "/settings/sso/check"),
  grants: () => request<{ grants: Grant[] }>("GET", "/roles"),
  audit: (filter: AuditFilter, after: string | null = null) =>
    request<{ entries: AuditEntry[]; next: string | null }>("GET", `/audit${query({ ...filter, after })}`),
  auditKinds: () => request<{ kinds: string[] }>("GET", "/audit/kinds"),
  auditTable: (filter: AuditFilter) => download(`/audit/export${query({ ...filter })}`),
};

export interface ContactRow {
  id: string;
  name: string;
  email: string;
  phone: string;
  language: string;
  is_blocked: boolean;
  refused: number;
  created_at: string;
  last_seen_at: string;
}

export type AttributeKind = "text" | "number" | "date" | "choice" | "yes_no";

export interface Attribute {
  id: string;
  key: string;
  title: string;
  kind: AttributeKind;
  choices: string[];
  is_told: boolean;
}

export interface Consent {
  kind: "marketing" | "training";
  is_given: boolean;
  source: string;
  given_at: string;
}

export interface ContactCare {
  is_blocked: boolean;
  blocked_at: string | null;
  refused: number;
  language: string;
  consents: Consent[];
  consent_history: Consent[];
  notes: { id: string; text: string; author: string; created_at: string }[];
  history: { id: string; channel: string; status: string; created_at: string; last_activity_at: string }[];
}

const contact = (it: string): string => `/contacts/${id(it)}`;

export const contacts = {
  list: (filter: { search?: string; blocked?: string }, after: string | null = null) =>
    request<{ contacts: ContactRow[]; next: string | null; is_whole: boolean }>(
      "GET",
      `/contacts${query({ ...filter, after })}`,
    ),
  read: (it: string) => request<ContactDetail>("GET", contact(it)),
  change: (it: string, profile: Record<string, string | number | boolean | null>) =>
    request<ContactDetail>("PATCH", contact(it), { body: { profile } }),
  care: (it: string) => request<ContactCare>("GET", `${contact(it)}/care`),
  block: (it: string, blocked: boolean) => request<ContactCare>(blocked ? "POST" : "DELETE", `${contact(it)}/block`),
  agree: (it: string, body: { kind: Consent["kind"]; is_given: boolean; source: string }) =>
    request<ContactCare>("POST", `${contact(it)}/consents`, { body }),
  speak: (it: string, language: string) =>
    request<ContactCare>("PUT", `${contact(it)}/language`, { body: { language } }),
  note: (it: string, text: string) => request<null>("POST", `${contact(it)}/notes`, { body: { text } }),
  removeNote: (note: string) => request<null>("DELETE", `/contacts/notes/${id(note)}`),
  attributes: () => request<{ attributes: Attribute[] }>("GET", "/contacts/attributes"),
  define: (body: Omit<Attribute, "id">) => request<Attribute>("PUT", "/contacts/attributes", { body }),
  undefine: (key: string) => request<null>("DELETE", `/contacts/attributes/${id(key)}`),
  table: () => download("/contacts/export"),
  importTable: (file: File, channel: string) =>
    sent<{ made: number; changed: number; problems: [number, string][] }>(
      `/contacts/import${query({ channel_id: channel })}`,
      file,
      () => undefined,
    ).done,
};

/** Offers a file of the server's to be kept. */
export function keep(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
