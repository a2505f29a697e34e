/** The desk API of teams, routing and promised times, as functions, one for each route. */
import { request } from "./request";
import type { Conversation, Person, Role } from "./types";

const id = encodeURIComponent;
const conversation = (it: string): string => `/inbox/conversations/${id(it)}`;

export const METHODS = ["manual", "round_robin", "least_busy"] as const;
export const AVAILABILITIES = ["online", "busy", "away"] as const;
export const PRIORITIES = ["none", "low", "high", "urgent"] as const;
export type Method = (typeof METHODS)[number];
export type Availability = (typeof AVAILABILITIES)[number];
export type Priority = (typeof PRIORITIES)[number];
export type ClockKind = "first_reply" | "next_reply" | "resolution";
export type ClockState = "running" | "warned" | "breached" | "paused";

/** The promise about a conversation that ends first; `due_at` null: its clock stands. */
export interface Sla {
  clock: ClockKind;
  state: ClockState;
  due_at: string | null;
}

export interface Hours {
  time_zone: string;
  weekly: Record<string, [string, string][]> | null;
  holidays: string[];
}

/** `opens_at` is null where it never opens. */
export interface HoursNow extends Hours {
  is_open: boolean;
  opens_at: string | null;
}

export interface TeamMember extends Person {
  is_lead: boolean;
}

export interface Team {
  id: string;
  name: string;
  method: Method;
  skills: string[];
  languages: string[];
  /** Seconds to take what one is offered. */
  offer_seconds: number;
  /** Seconds of waiting until leads are told; 0: never. */
  escalate_seconds: number;
  /** Null: the workspace's. */
  hours: Hours | null;
  members: TeamMember[];
}

export type TeamBody = Omit<Team, "id" | "members"> & { members: { id: string; is_lead: boolean }[] };

export interface Staff extends Person {
  role: Role;
  skills: string[];
  languages: string[];
  /** 0: any number. */
  conversation_limit: number;
  /** By themselves; `availability` is what comes of it with whether a window is open. */
  chosen: Availability;
  availability: Availability;
  seen_at: string | null;
  teams: string[];
}

export interface Rule {
  team: string;
  channels: string[];
  languages: string[];
  intents: string[];
  labels: string[];
  contact: Record<string, string | number | boolean>;
  skills: string[];
}

export interface Routing {
  rules: Rule[];
  default_team: string;
  tells_position: boolean;
}

export interface Policy {
  id: string;
  name: string;
  /** Of those that fit, the lowest counts. */
  place: number;
  first_reply_seconds: number | null;
  next_reply_seconds: number | null;
  resolution_seconds: number | null;
  in_business_hours: boolean;
  warn_seconds: number;
  conditions: {
    channels: string[];
    teams: string[];
    labels: string[];
    priorities: Priority[];
    contact: Record<string, string | number | boolean>;
  };
  on_breach: { team: string; priority: Priority | ""; mail: boolean };
}

export const routing = {
  hours: () => request<HoursNow>("GET", "/settings/hours"),
  changeHours: (body: Hours) => request<HoursNow>("PUT", "/settings/hours", { body }),
  teams: () => request<{ teams: Team[] }>("GET", "/teams"),
  addTeam: (body: TeamBody) => request<Team>("POST", "/teams", { body }),
  changeTeam: (it: string, body: Partial<TeamBody>) => request<Team>("PATCH", `/teams/${id(it)}`, { body }),
  removeTeam: (it: string) => request<null>("DELETE", `/teams/${id(it)}`),
  staff: () => request<{ staff: (Staff & { load: number })[] }>("GET", "/staff"),
  changeStaff: (
    it: string,
    body: Partial<Pick<Staff, "skills" | "languages" | "conversation_limit" | "availability">>,
  ) => request<Staff & { load: number }>("PATCH", `/staff/${id(it)}`, { body }),
  availability: () => request<Staff>("GET", "/session/availability"),
  chooseAvailability: (availability: Availability) =>
    request<Staff>("PUT", "/session/availability", { body: { availability } }),
  rules: () => request<Routing>("GET", "/routing"),
  changeRules: (body: Partial<Routing>) => request<Routing>("PATCH", "/routing", { body }),
  policies: () => request<{ policies: Policy[] }>("GET", "/sla"),
  addPolicy: (body: Omit<Policy, "id">) => request<Policy>("POST", "/sla", { body }),
  changePolicy: (it: string, body: Partial<Omit<Policy, "id">>) => request<Policy>("PATCH", `/sla/${id(it)}`, { body }),
  removePolicy: (it: string) => request<null>("DELETE", `/sla/${id(it)}`),
  setTeam: (it: string, team: string | null) =>
    request<Conversation>("PUT", `${conversation(it)}/team`, { body: { team } }),
  setPriority: (it: string, priority: Priority) =>
    request<Conversation>("PUT", `${conversation(it)}/priority`, { body: { priority } }),
  decline: (it: string) => request<Conversation>("POST", `${conversation(it)}/decline`),
};
