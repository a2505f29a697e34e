/** The shapes of the desk API, as the members' door sends them. Times are ISO 8601, UTC. */
import type {
  Answer as PublicAnswer,
  Attachment,
  Author,
  ConversationStatus,
  Decision,
  FeedbackValue,
  Limits,
  Outcome,
} from "@kefu/client";
import type { Priority, Sla } from "./routing";
import type { Call } from "@kefu/call";

/** A file as members see it: `label` is what a picture shows, by the company's model, with its probability. */
export interface SentFile extends Attachment {
  label: string;
  confidence: number | null;
}

export type { Attachment, Author, ConversationStatus, Decision, FeedbackValue, Limits, Outcome };

export type Role = "owner" | "admin" | "supervisor" | "agent" | "viewer";
export type Theme = "light" | "dark" | "";

export interface Person {
  id: string;
  name: string;
}

/** What keeps a session out of a workspace: its company's own log-in, or a second factor; "" for nothing. */
export type Needs = "" | "sso" | "second_factor";

export interface Session {
  csrf: string;
  /** The password was right, and a code is asked for. */
  second_factor: boolean;
  way: "password" | "sso" | null;
  attachments: Limits | null;
  /** Whether recordings can be written down here, and texts read aloud. */
  speech: { hear: boolean; speak: boolean } | null;
  user: {
    id: string;
    email: string;
    name: string;
    language: "en" | "zh" | "";
    theme: Theme;
    must_change_password: boolean;
  } | null;
  workspace: { id: string; slug: string; title: string; default_language: string } | null;
  member: { id: string; role: Role; notify_mail: boolean; needs: Needs } | null;
  workspaces: { id: string; slug: string; title: string; role: Role; needs: Needs }[];
}

export interface Invitation {
  workspace: { slug: string; title: string };
  email: string;
  role: Role;
  has_password: boolean;
}

/* inbox */

export interface Counts {
  status: Record<ConversationStatus, number>;
  mine: number;
  unassigned: number;
  snoozed: number;
  mentions: number;
  unread: { waiting: number; mine: number };
}

export interface Conversation {
  id: string;
  status: ConversationStatus;
  channel: { id: string; name: string; kind: string };
  contact: { id: string; name: string };
  assignee: Person | null;
  language: string;
  /** Messages of the customer's that this member has not read; null on the socket, which tells all members the same. */
  unread: number | null;
  last_message: {
    author: Author;
    author_name: string | null;
    text: string;
    attachments: Attachment[];
    created_at: string;
    internal: boolean;
  } | null;
  /** What the customer said last, while they wait; "" else. */
  asked: string;
  waiting_since: string | null;
  created_at: string;
  last_activity_at: string;
  resolved_at: string | null;
  resolved_by: string;
  address_wanted: boolean;
  intent: string;
  /** Ids of labels. */
  labels: string[];
  is_snoozed: boolean;
  snoozed_until: string | null;
  team: Person | null;
  priority: Priority;
  /** Who may take it first, while it waits. */
  offered_to: Person | null;
  /** Leads were told that nobody takes it. */
  escalated_at: string | null;
  sla: Sla | null;
}

export interface ContactDetail {
  id: string;
  name: string;
  profile: Record<string, unknown>;
  language: string;
  created_at: string;
  last_seen_at: string | null;
  identities: { channel: string; id: string }[];
}

/** To viewers the contact has a name and nothing else. */
export type ConversationDetail = Omit<Conversation, "contact"> & {
  contact: Pick<ContactDetail, "id" | "name"> & Partial<ContactDetail>;
};

export interface Answer extends PublicAnswer {
  timings_ms?: Record<string, number>;
  /** The customer of a call interrupted: from this character on they did not hear it. */
  unheard_from?: number | null;
}

export interface Message {
  id: string;
  conversation: string;
  sequence: number;
  author: Author;
  author_id: string;
  author_name: string | null;
  text: string;
  /** Holds placeholders whose originals may be revealed. */
  masked: boolean;
  created_at: string;
  outcome: Outcome;
  turn: string | null;
  answer: Answer | null;
  attachments: SentFile[];
  /** For members only. */
  internal: boolean;
  thumb: FeedbackValue | "";
  /** A member's, on a refusal or a hand-over. */
  verdict: "right" | "wrong" | "";
  comment?: string | null;
  /** How it fares on its way to the customer; null where nothing is pushed. */
  delivery: MessageDelivery | null;
}

/** `reason` says why it failed or waits. */
export interface MessageDelivery {
  id: string;
  state: "waiting" | "kept" | "sent" | "failed" | "unsure" | "dropped";
  reason: string;
}

export interface Step {
  name: string;
  ms: number;
  [detail: string]: unknown;
}

export interface Trace {
  reason: string;
  steps: Step[];
  versions: Record<string, string>;
  passages: { id: string; document: string; score: number }[];
}

export interface Turn {
  id: string;
  conversation: string;
  state: string;
  outcome: string;
  decision: Decision | null;
  confidence: number | null;
  created_at: string;
  finished_at: string | null;
  trace: Trace | null;
}

/* library */

export type SourceState = "pending" | "reading" | "ready" | "failed" | "cancelled" | "held";

/** The tests that hold a change of knowledge back. */
export interface HeldBack {
  total: number;
  failed: number;
  failures: { file: string; test: string; wanted: string; got: string }[];
}

export interface Source {
  id: string;
  name: string;
  kind: "file" | "url" | "article" | "faq";
  address: string;
  state: SourceState;
  failures: { name: string; reason: string }[];
  done: number;
  total: number;
  documents: number;
  held: HeldBack | null;
  created_at: string;
  updated_at: string;
}

export interface SourcePage {
  id: string;
  name: string;
  title: string;
  language: string;
  url: string | null;
  updated_at: string;
}

export interface PassageSpan {
  id: string;
  start: number;
  end: number;
  kind: string;
  headings: string[];
  questions: string[];
  answer: string | null;
}

export interface LibraryDocument {
  id: string;
  source: string;
  name: string;
  title: string;
  text: string;
  media_type: string;
  url: string | null;
  language: string;
  updated_at: string;
  passages: PassageSpan[];
}

export interface Passage extends PassageSpan {
  document: { id: string; title: string; url: string | null };
  text: string;
}

export interface Faq {
  id: string;
  question: string;
  more_questions: string[];
  answer: string;
  source: { id: string; name: string; kind: string };
  document: string;
  language: string;
  updated_at: string;
}

export interface Hit {
  passage: string;
  document: string;
  document_id: string;
  title: string;
  text: string;
  start: number;
  end: number;
  score: number;
  kind: string;
  question: string | null;
}

export interface Trial {
  answer: Answer;
  trace: Trace;
  hits: Hit[];
}

export interface Said {
  author: "contact" | "assistant";
  text: string;
}

export interface StaleDocument {
  id: string;
  title: string;
  name: string;
  source: { id: string; name: string; kind: string };
  updated_at: string;
}

export interface DuplicateEntry {
  passage: string;
  title: string;
  document: string;
  document_id: string;
  text: string;
}

export interface Duplicates {
  questions: { question: string; entries: DuplicateEntry[] }[];
  passages: { similarity: number; a: DuplicateEntry; b: DuplicateEntry }[];
  /** Of `passages_in_all`; a very large library is compared in part. */
  looked_at: number;
  passages_in_all: number;
}

/* assistant */

/** What follows from an intent that is told with certainty. */
export type IntentRule = "hand_over" | "answer" | "refuse";

export interface Policy {
  name: string;
  kinds: Decision[];
  answer_threshold: number;
  approved_threshold: number;
  clarify_threshold: number;
  refusals_before_hand_over: number;
  tone: string;
  forbidden_topics: string[];
  hand_over_words: string[];
  texts: Record<string, Record<string, string>>;
  intent_rules: Record<string, IntentRule>;
  test_knowledge_changes: boolean;
  default_language: string;
  forbidden_words: string[];
  disclaimers: Disclaimer[];
  escalations: Escalation[];
  quiet_hours: string;
}

/** When a person takes over: everything that it says must hold. */
export interface Escalation {
  moods: ("complaint" | "angry")[];
  words: string[];
  intents: string[];
  contact: Record<string, string | number | boolean>;
  refusals: number;
}

/** Words added to an answer, once a conversation; by language. */
export interface Disclaimer {
  key: string;
  texts: Record<string, string>;
  topics: string[];
  intents: string[];
}

export interface Thresholds {
  answer: number;
  approved: number;
  clarify: number;
}

/** The encoder of a language, `*` for all others; `wanted` will take its place once every passage has its vectors. */
export interface Encoder {
  language: string;
  reference: string;
  default: string;
  options: Record<string, unknown>;
  wanted: string | null;
}

export interface Assistant {
  name: string;
  policy: Policy;
  defaults: Policy;
  /** Parts of the policy that differ from the defaults. */
  set: string[];
  /** The built-in sentences, by language and key. */
  texts: Record<string, Record<string, string>>;
  /** The measured defaults. */
  thresholds: Thresholds;
  engines: {
    generator: { reference: string; options: Record<string, unknown>; secrets: string[] };
    encoders: Encoder[];
    /** A change of encoders under way, in passages; or why the last one did not come about. */
    work: { done: number; total: number; problem: string };
  };
}

/** A version of the workspace's own that writes answers; `reference` chooses it as the generator. */
export interface OwnGenerator {
  reference: string;
  model: string;
  number: number;
}

export interface EngineKind {
  name: string;
  title: string;
  roles: string[];
  extra: string | null;
  /** Each option with what it is for. */
  options: Record<string, string>;
}

export interface CurvePoint {
  threshold: number;
  answered: number;
  refused: number;
}

export interface Calibration {
  curves: Record<string, CurvePoint[]>;
  /** The last thirty days of this workspace. */
  recent: { questions: number; points: { threshold: number; answered: number }[] };
  thresholds: Thresholds;
}

/* channels, people, settings */

export interface ChannelSettings {
  title?: string;
  color?: string;
  greeting?: string | { en?: string; zh?: string };
  quick_replies?: string[] | { en?: string[]; zh?: string[] };
  pre_chat?: { fields: { name: string; type: "text" | "email" | "tel"; required: boolean }[] };
  language?: string;
  sound?: boolean;
  calls?: boolean;
  assistant_name?: string;
  allowed_origins?: string[];
  pause_seconds?: number;
  nobody_came_seconds?: number;
}

export interface Channel {
  id: string;
  kind: string;
  name: string;
  settings: ChannelSettings;
  assistant_on: boolean;
  is_active: boolean;
  created_at: string;
  has_identity_secret: boolean;
  paused_at: string | null;
  checked_at: string | null;
  last_error: string;
  /** By language; empty where the reason is the server's own. */
  last_error_texts: Record<string, string>;
  last_error_at: string | null;
  /** When something went through again, after an error. */
  recovered_at: string | null;
}

type ByLanguage = Record<string, string>;

/** One thing that setting up a plug-in channel asks for. */
export interface PlugInField {
  key: string;
  label: ByLanguage;
  help: ByLanguage;
  kind: "text" | "secret" | "select" | "bool";
  required: boolean;
  default: string | boolean;
  /** What the whole value looks like, or "". */
  pattern: string;
  choices: Record<string, ByLanguage>;
  /** Made up by the server where it is left empty. */
  generated: boolean;
}

export interface ChannelKind {
  kind: string;
  title: ByLanguage;
  help: ByLanguage;
  fields: PlugInField[];
  /** `greets`: customers subscribe before they write, and are greeted. */
  capabilities: { greets: boolean };
}

export interface ChannelSetUp {
  kind: string;
  hook: string;
  /** Of a secret, only whether it is set. */
  values: Record<string, string | boolean>;
}

export interface ChannelCheck {
  name: string;
  passed: boolean;
  sentence: ByLanguage;
  field: string;
}

export interface ChannelTraffic {
  received: number;
  sent: number;
  undone: number;
  kept: number;
  failed: number;
  refused: Record<string, number>;
}

export interface ChannelDelivery {
  id: string;
  conversation: string;
  state: string;
  attempts: number;
  created_at: string;
  error: string;
  text: string;
}

export interface Member {
  id: string;
  email: string;
  name: string;
  role: Role;
  is_active: boolean;
  is_invited: boolean;
  created_at: string;
}

export interface Invited {
  member: Member;
  link: string;
  expires_at: string;
  is_mailed: boolean;
}

export interface Key {
  id: string;
  name: string;
  hint: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
}

export interface WorkspaceSettings {
  title: string;
  slug: string;
  default_language: string;
  settings: {
    nobody_came_seconds: number;
    mail_on_hand_over: boolean;
    mail_after_seconds: number;
    away_after_seconds: number;
    require_second_factor: boolean;
    keep_copilot_edits: boolean;
  };
  mail_configured: boolean;
}

export interface AuditEntry {
  id: number;
  at: string;
  actor: { kind: string; id: string; name: string };
  action: string;
  row: string;
  before: unknown;
  after: unknown;
}

/* live */

export type DeskEvent =
  | {
      type: "message.created" | "message.updated" | "reply.completed";
      event: number;
      conversation: string;
      message: Message;
    }
  | { type: "conversation.created" | "conversation.updated"; event: number; conversation: Conversation }
  | { type: "reply.delta"; conversation: string; turn: string; text: string }
  | { type: "typing"; conversation: string; author: Author; name: string | null }
  | { type: "call.updated"; event: number; call: Call }
  | { type: "presence"; online: Person[] }
  | { type: "looking"; conversation: string; people: Person[] }
  | { type: "changed"; event: number; kind: string; id: string; conversation?: string };
