/** The routes of flows, their tests and tools. */
import type { PastTests } from "../past-tests";
import { query, request } from "./request";
import type { Citation } from "@kefu/client";
import type { Said, Step as TraceStep } from "./types";

export interface Problem {
  code: string;
  sentence: string;
  fix: string;
  /** From 1; 0 where it stands nowhere. */
  line: number;
  column: number;
  severity: "error" | "warning";
  step: string | null;
}

export type FlowState = "draft" | "live" | "paused";

export interface FlowRow {
  id: string;
  key: string;
  name: string;
  /** In each language of the flow; empty where its draft cannot be read. */
  names: Record<string, string>;
  state: FlowState;
  live_number: number | null;
  has_draft_changes: boolean;
  updated_at: string;
  problems: number;
}

export type FlowDetail = Omit<FlowRow, "problems"> & {
  text: string;
  problems: Problem[];
  live_text: string | null;
};

export interface FlowVersion {
  number: number;
  note: string;
  author: string | null;
  created_at: string;
  is_live: boolean;
}

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
  from_line: number | null;
  to_line: number | null;
}

export interface SuiteFailure {
  file: string;
  test: string;
  line: number;
  said: string;
  wanted: string;
  got: string;
}

export interface SuiteReport {
  passed: boolean;
  total: number;
  failed: number;
  seconds: number;
  failures: SuiteFailure[];
  /** How often each "flow/step" was entered. */
  coverage: Record<string, number>;
}

export interface SuiteFile {
  id: string;
  name: string;
  text: string;
  updated_at: string;
}

export interface ToolCall {
  tool: string;
  arguments: Record<string, unknown>;
  state: string;
  status: number | null;
  outputs: unknown;
  problem: string | null;
  repeated?: boolean;
  ms: number | null;
}

export interface FlowTrace {
  flow: string;
  version: number;
  step: string | null;
  path: string[];
  filled: string[];
  slots: Record<string, unknown>;
  waiting: { kind: string; step: string; slot: string | null } | null;
  outcome: string | null;
  tool_calls: ToolCall[];
  events: { kind: string; [detail: string]: unknown }[];
}

/** A tool's call that somebody is to answer, and what was answered to one. */
export interface AskedByHand {
  tool: string;
  arguments: Record<string, unknown>;
  outputs: string[];
  samples: { status: number; body: unknown }[];
}
export type HandAnswer = { sample: number } | { problem: string } | { outputs: Record<string, unknown> };

export interface StepTraffic {
  reached: number;
  dropped: number;
  cancelled: number;
  handed_over: number;
}

export interface FlowTraffic extends Omit<StepTraffic, "reached"> {
  key: string;
  name: string;
  started: number;
  finished: number;
  under_way: number;
  outcomes: Record<string, number>;
  steps: Record<string, StepTraffic>;
}

export interface SimulateIn {
  text: string;
  answers?: HandAnswer[];
  drafts?: string[];
  state?: unknown;
  remembered?: unknown;
  history?: Said[];
  contact?: Record<string, unknown>;
}

export interface Simulated {
  text: string;
  decision: string;
  reason: string;
  confidence: number;
  language: string;
  quick_replies: string[];
  citations: Citation[];
  state: unknown;
  remembered: unknown;
  contact: Record<string, unknown>;
  flow: FlowTrace | null;
  trace: { steps: TraceStep[] };
  asked: AskedByHand | null;
}

export interface ToolDefinition {
  name: string;
  description?: string;
  method?: string;
  url: string;
  parameters?: Record<string, Record<string, unknown>>;
  query?: Record<string, unknown>;
  headers?: Record<string, string>;
  body?: unknown;
  outputs?: Record<string, unknown>;
  timeout_seconds?: number;
  retries?: number;
  idempotency_header?: string;
  allowed_hosts?: string[];
  samples?: { when?: Record<string, unknown>; status?: number; body?: unknown }[];
  [more: string]: unknown;
}

export type Credentials =
  | { kind: "none" }
  | { kind: "bearer"; token: string }
  | { kind: "basic"; user: string; password: string }
  | { kind: "header" | "query"; name: string; value: string };

export interface Tool {
  id: string;
  name: string;
  description: string;
  definition: ToolDefinition;
  credentials: { kind: string; name?: string } | null;
  origin: string;
  is_repeatable: boolean;
  updated_at: string;
}

export interface Tried {
  request: { method: string; url: string; headers: Record<string, string>; body: unknown };
  state: "done" | "failed" | "unknown";
  status: number | null;
  problem: string | null;
  outputs: unknown;
  body: string | null;
  tries: number;
  ms: number;
}

export interface Imported {
  tools: ToolDefinition[];
  problems: string[];
  saved: Tool[];
}

const id = encodeURIComponent;
/** A suite of some hundred conversations, or a message that a slow generator answers. */
const LONG_MS = 300_000;

export const flows = {
  list: () => request<{ flows: FlowRow[] }>("GET", "/flows"),
  traffic: (from: string) => request<{ flows: FlowTraffic[] }>("GET", `/flows/traffic${query({ from })}`),
  create: (text: string) => request<FlowDetail>("POST", "/flows", { body: { text } }),
  check: (text: string, signal?: AbortSignal) =>
    request<{ problems: Problem[] }>("POST", "/flows/check", { body: { text }, ...(signal ? { signal } : {}) }),
  read: (it: string) => request<FlowDetail>("GET", `/flows/${id(it)}`),
  /** With `base`, the draft that the change began from, somebody else's is not overwritten (409 `draft_changed`). */
  save: (it: string, text: string, base?: string) =>
    request<FlowDetail>("PUT", `/flows/${id(it)}`, { body: { text, ...(base === undefined ? {} : { base }) } }),
  remove: (it: string) => request<null>("DELETE", `/flows/${id(it)}`),
  publish: (it: string, note: string, run_tests: boolean) =>
    request<FlowDetail>("POST", `/flows/${id(it)}/publish`, { body: { note, run_tests }, timeout: LONG_MS }),
  rollBack: (it: string, number: number, note: string, run_tests: boolean) =>
    request<FlowDetail>("POST", `/flows/${id(it)}/roll-back`, { body: { number, note, run_tests }, timeout: LONG_MS }),
  pause: (it: string) => request<FlowDetail>("POST", `/flows/${id(it)}/pause`),
  resume: (it: string, past?: PastTests) =>
    request<FlowDetail>("POST", `/flows/${id(it)}/resume`, { body: past ?? {}, timeout: LONG_MS }),
  versions: (it: string) => request<{ versions: FlowVersion[] }>("GET", `/flows/${id(it)}/versions`),
  version: (it: string, number: number) =>
    request<FlowVersion & { text: string }>("GET", `/flows/${id(it)}/versions/${number}`),
  diff: (it: string, from: string, to: string) =>
    request<{ lines: DiffLine[] }>("GET", `/flows/${id(it)}/diff${query({ from, to })}`),
  simulate: (body: SimulateIn) => request<Simulated>("POST", "/flows/simulate", { body, timeout: LONG_MS }),
};

export const suites = {
  list: () => request<{ files: SuiteFile[] }>("GET", "/flows/tests"),
  save: (name: string, text: string) => request<SuiteFile>("PUT", "/flows/tests", { body: { name, text } }),
  remove: (it: string) => request<null>("DELETE", `/flows/tests/${id(it)}`),
  run: (drafts: boolean) => request<SuiteReport>("POST", "/flows/tests/run", { body: { drafts }, timeout: LONG_MS }),
};

export interface ToolBody {
  definition: ToolDefinition;
  credentials?: Credentials;
}

export const tools = {
  list: () => request<{ tools: Tool[] }>("GET", "/tools"),
  read: (it: string) => request<Tool>("GET", `/tools/${id(it)}`),
  create: (body: ToolBody) => request<Tool>("POST", "/tools", { body }),
  change: (it: string, body: ToolBody) => request<Tool>("PUT", `/tools/${id(it)}`, { body }),
  remove: (it: string) => request<null>("DELETE", `/tools/${id(it)}`),
  import: (body: { document: string; server?: string; names?: string[]; save?: boolean; credentials?: Credentials }) =>
    request<Imported>("POST", "/tools/import", { body }),
  attempt: (body: ToolBody & { tool?: string; arguments: Record<string, unknown>; sample: boolean }) =>
    request<Tried>("POST", "/tools/try", { body, timeout: LONG_MS }),
};
