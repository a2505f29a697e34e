/** The routes of datasets, runs, models and versions. */
import type { PastTests } from "../past-tests";
import { BASE, download, query, request } from "./request";
import { sent } from "./upload";

export interface BadRow {
  row: number;
  column: string;
  problem: string;
  fix: string;
}

export interface DatasetVersion {
  id: string;
  dataset_id: string;
  dataset: string;
  number: number;
  sha256: string;
  rows: number;
  labels: Record<string, number>;
  format: string;
  mapping: Record<string, string>;
  bad: BadRow[];
  bad_rows: number;
  /** How much could not be gathered from the company's own conversations, by why. */
  left_out: Record<string, number>;
  note: string;
  has_report: boolean;
  made_by: string;
  created_at: string;
}

export interface Dataset {
  id: string;
  name: string;
  versions: number;
  latest: DatasetVersion;
  created_at: string;
  updated_at: string;
}

export type DatasetWithVersions = Dataset & { all_versions: DatasetVersion[] };

export const GATHERED = ["texts", "chats", "pairs"] as const;

export interface Gathered {
  kind: (typeof GATHERED)[number];
  name: string;
  conversations: boolean;
}

export interface RowProblem {
  kind: string;
  sentence: string;
  rows: number[];
  suggested: string | null;
}

export interface DataRow {
  number: number;
  text: string;
  label: string | null;
  language: string | null;
  problems: RowProblem[];
}

export interface DataRows {
  version: DatasetVersion;
  rows: DataRow[];
  found: number;
  next: number | null;
}

export interface RowChange {
  number: number;
  text?: string;
  label?: string | null;
  delete?: boolean;
}

export interface Recipe {
  name: string;
  title: string;
  roles: string[];
  options: { name: string; help: string }[];
  is_installed: boolean;
  install: string | null;
}

export type RunState = "queued" | "running" | "finished" | "failed" | "cancelled" | "interrupted";

export interface Run {
  id: string;
  kind: string;
  state: RunState;
  model_id: string | null;
  model: string | null;
  version_id: string | null;
  version: number | null;
  recipe: string;
  options: Record<string, unknown>;
  inputs: Record<string, { id: string; name: string; number: number; sha256: string }>;
  progress: { done: number; total: number | null; unit: string } | null;
  metrics: Record<string, unknown>;
  problem: { code: string; sentence: string } | null;
  events: number;
  is_resumable: boolean;
  is_cancelling: boolean;
  made_by: string;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface RunEvent {
  number: number;
  told: string;
  at: string;
  fields: Record<string, unknown>;
}

export interface RunEvents {
  run: Run;
  events: RunEvent[];
  next: number;
  is_over: boolean;
}

export const MODEL_ROLES = ["", "intent", "mood", "slots", "picture", "rerank"] as const;
export type ModelRole = (typeof MODEL_ROLES)[number];

export interface VersionName {
  id: string;
  number: number;
}

export interface Model {
  id: string;
  name: string;
  role: ModelRole;
  test: { id: string; name: string; number: number; sha256: string } | null;
  champion: VersionName | null;
  challenger: VersionName | null;
  limits: Record<string, number>;
  versions: number;
  serving: { version_id: string | null; number: number | null; problem: string | null } | null;
  created_at: string;
  updated_at: string;
}

export interface Version {
  id: string;
  model_id: string;
  model: string;
  number: number;
  aliases: string[];
  run_id: string | null;
  task: string;
  recipe: string;
  runtime: string;
  variant: string;
  labels: string[];
  languages: string[];
  base_model: string | null;
  seed: number;
  metrics: Record<string, number>;
  is_judged: boolean;
  is_deletable: boolean;
  has_report: boolean;
  sha256: string;
  size_bytes: number;
  licence: string;
  limits: string[];
  note: string;
  made_by: string;
  created_at: string;
}

export type ModelWithVersions = Model & { all_versions: Version[] };

export interface GateCheck {
  name: string;
  passed: boolean;
  sentence: string;
}

export interface Verdict {
  passed: boolean;
  checks: GateCheck[];
}

export interface Comparison {
  candidate: Version;
  champion: Version | null;
  verdict: Verdict;
  metrics: { name: string; candidate: number | null; champion: number | null }[];
  slices: { name: string; rows: number; candidate: number | null; champion: number | null }[];
  needs_judging: string[];
}

export interface Promotion {
  id: string;
  alias: string;
  kind: string;
  version: VersionName | null;
  previous: VersionName | null;
  reason: string;
  made_by: string;
  created_at: string;
}

export interface Guess {
  text: string;
  label: string | null;
  confidence: number | null;
  out_of_scope: boolean | null;
  score: number | null;
  scores: Record<string, number>;
  slots: { slot: string; start: number; end: number; text: string; confidence: number }[];
}

export interface NewRun {
  model: string;
  recipe: string;
  train: string;
  valid?: string | null;
  extend?: string | null;
  seed?: number;
  options?: Record<string, unknown>;
}

export interface NewTuning extends NewRun {
  valid: string;
  trials: number;
  parallel: number;
  minutes: number;
}

const id = encodeURIComponent;
/** A year of conversations is read. */
const GATHERING_MS = 120_000;

export const datasets = {
  list: () => request<{ datasets: Dataset[] }>("GET", "/datasets"),
  read: (it: string) => request<DatasetWithVersions>("GET", `/datasets/${id(it)}`),
  remove: (it: string) => request<null>("DELETE", `/datasets/${id(it)}`),
  rows: (it: string, choice: { label?: string; search?: string; problems?: "true" | ""; after?: number }) =>
    request<DataRows>("GET", `/datasets/${id(it)}/rows${query({ ...choice, limit: 50 })}`),
  change: (it: string, base: number, changes: RowChange[]) =>
    request<DatasetWithVersions>("PATCH", `/datasets/${id(it)}/rows`, { body: { base, changes } }),
  check: (it: string) => request<Run>("POST", `/datasets/${id(it)}/check`, { body: {} }),
  split: (it: string, share: number) => request<Run>("POST", `/datasets/${id(it)}/split`, { body: { share } }),
  select: (
    it: string,
    body: { labelled: string | null; versions: string[]; budget?: number; by?: string; confidence?: number },
  ) => request<Run>("POST", `/datasets/${id(it)}/select`, { body }),
  report: (it: string) => request<{ report: Record<string, unknown> | null }>("GET", `/datasets/${id(it)}/report`),
  file: (it: string) => download(`/datasets/${id(it)}/file`),
  upload: (file: File, onProgress: (share: number) => void) => sent<Dataset>("/datasets", file, onProgress),
  gather: (body: Gathered) => request<DatasetWithVersions>("POST", "/datasets/gather", { body, timeout: GATHERING_MS }),
  uploadVersion: (it: string, file: File, onProgress: (share: number) => void) =>
    sent<DatasetWithVersions>(`/datasets/${id(it)}/versions`, file, onProgress),
};

export const runs = {
  recipes: () => request<{ recipes: Recipe[] }>("GET", "/recipes"),
  list: (after: string | null = null) =>
    request<{ runs: Run[]; next: string | null }>("GET", `/runs${query({ after, limit: 30 })}`),
  begin: (body: NewRun) => request<Run>("POST", "/runs", { body }),
  tune: (body: NewTuning) => request<Run>("POST", "/runs/tune", { body }),
  events: (it: string, after: number) => request<RunEvents>("GET", `/runs/${id(it)}/events${query({ after })}`),
  cancel: (it: string) => request<Run>("POST", `/runs/${id(it)}/cancel`),
  resume: (it: string) => request<Run>("POST", `/runs/${id(it)}/resume`),
  remove: (it: string) => request<null>("DELETE", `/runs/${id(it)}`),
};

export const models = {
  list: () => request<{ models: Model[] }>("GET", "/models"),
  read: (it: string) => request<ModelWithVersions>("GET", `/models/${id(it)}`),
  change: (
    it: string,
    body: { name?: string; role?: ModelRole; test?: string | null; limits?: Record<string, number> },
  ) => request<Model>("PATCH", `/models/${id(it)}`, { body }),
  remove: (it: string) => request<null>("DELETE", `/models/${id(it)}`),
  compare: (it: string, candidate: string) =>
    request<Comparison>("GET", `/models/${id(it)}/compare${query({ candidate })}`),
  promote: (it: string, body: { version: string; override?: boolean; reason?: string }) =>
    request<Model>("POST", `/models/${id(it)}/promote`, { body }),
  rollBack: (it: string, past?: PastTests) =>
    request<Model>("POST", `/models/${id(it)}/rollback`, { body: past ?? { reason: "" } }),
  promotions: (it: string) => request<{ promotions: Promotion[] }>("GET", `/models/${id(it)}/promotions`),
  removeVersion: (it: string) => request<null>("DELETE", `/versions/${id(it)}`),
  judge: (version: string) => request<Run>("POST", `/versions/${id(version)}/judge`),
  compress: (version: string, options: Record<string, unknown>) =>
    request<Run>("POST", `/versions/${id(version)}/compress`, { body: { options } }),
  explain: (version: string, body: { data: string; method: string; rows: number }) =>
    request<Run>("POST", `/versions/${id(version)}/explain`, { body }),
  trial: (version: string, body: { train: string; valid: string; recipe: string; seeds: number }) =>
    request<Run>("POST", `/versions/${id(version)}/trial`, { body }),
  ask: (version: string, texts: string[]) =>
    request<{ guesses: Guess[]; milliseconds: number }>("POST", `/versions/${id(version)}/try`, { body: { texts } }),
  zip: (version: string) => download(`/versions/${id(version)}/download`),
  /** The address of the report as a page; its policy lets it run nothing. */
  report: (version: string) => `${BASE}/versions/${id(version)}/report.html`,
};
