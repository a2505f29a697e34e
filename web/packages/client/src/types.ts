/** The shapes of the public API, as the gateway sends them. */

export type Author = "contact" | "assistant" | "member" | "system";
export type ConversationStatus = "bot" | "waiting" | "open" | "resolved";
export type Decision = "approved" | "extracted" | "generated" | "flow" | "clarify" | "refuse" | "hand_over";
export type FeedbackValue = "up" | "down";

/** What became of a contact's message; empty for everybody else's. */
export type Outcome = "pending" | "replied" | "merged" | "left" | "";

/** A text of the company's own, either one for all or one for each language. */
export type Localized<T> = T | { en?: T; zh?: T };

export interface Citation {
  title: string;
  text: string;
  url: string | null;
  document: string;
  start: number;
  end: number;
}

export interface Answer {
  answer: string;
  decision: Decision;
  confidence: number;
  language: string;
  citations: Citation[];
  quick_replies: string[];
  /** What each quick reply means: pass it as `pressed` with the reply's words, which may be ambiguous. */
  quick_reply_values: string[];
}

/** A file of a conversation; `size` is in bytes. */
export interface Attachment {
  id: string;
  kind: "image" | "audio" | "file";
  name: string;
  media_type: string;
  size: number;
}

/** What files a message may hold: how many (0: none), and how large each. */
export interface Limits {
  per_message: number;
  bytes: number;
}

/** Voice messages: how long one may be, in seconds; 0 where nobody would understand them. */
export interface Voice {
  seconds: number;
  /** Whether customers may call here; an older server does not say. */
  calls?: boolean;
}

export interface Message {
  id: string;
  conversation: string;
  /** Place in its conversation: grows, unique, but not without gaps (a contact never sees internal notes). */
  sequence: number;
  author: Author;
  author_name: string | null;
  text: string;
  created_at: string;
  outcome: Outcome;
  turn: string | null;
  answer: Answer | null;
  attachments: Attachment[];
  /** What the contact thought of it. */
  thumb: FeedbackValue | null;
  /** Value of the quick reply that the contact said it with. */
  pressed: string | null;
}

export interface Conversation {
  id: string;
  status: ConversationStatus;
  assignee_name?: string | null;
  /** Nobody came in time: the customer may leave an e-mail address. */
  address_wanted?: boolean;
  /** How many customers wait before this one, and one; none for who does not wait. */
  queue_position?: number | null;
}

export interface PreChatField {
  name: string;
  label?: Localized<string>;
  type: "text" | "email" | "tel";
  required: boolean;
}

export interface ChannelSettings {
  color?: string;
  assistant_name?: string;
  greeting?: Localized<string>;
  quick_replies?: Localized<string[]>;
  pre_chat?: { text?: Localized<string>; fields: PreChatField[] };
  /** What to speak to customers whose page and browser ask for nothing that we speak. */
  language?: string;
  /** False: silent until the customer wants sound. */
  sound?: boolean;
}

export interface Channel {
  id: string;
  name: string;
  title: string;
  /** Whether the assistant is on duty here. */
  assistant: boolean;
  settings: ChannelSettings;
  attachments: Limits;
  voice: Voice;
}

export interface Visitor {
  token: string;
  /** Seconds. */
  expires_in: number;
  contact: string;
  channel: Channel;
  /** The contact's latest conversation. */
  conversation: Conversation | null;
}

/** A customer whom the company's own site vouches for: hash is made by its server from id and the channel's secret. */
export interface Identity {
  id: string;
  hash: string;
  name?: string;
  email?: string;
}

export type Attributes = Record<string, string | number | boolean>;

/** A frame of `WS /v1/live` after the handshake. `event` is the number to resume after. */
export type LiveEvent =
  | { type: "message.created"; event: number; conversation: string; message: Message }
  | { type: "message.updated"; event: number; conversation: string; message: Message }
  | { type: "reply.delta"; conversation: string; turn: string; text: string }
  | { type: "reply.completed"; event: number; conversation: string; message: Message }
  | { type: "conversation.created"; event: number; conversation: Conversation }
  | { type: "conversation.updated"; event: number; conversation: Conversation }
  | { type: "typing"; conversation: string; author: Author; name: string | null };

/** Whether a customer is asked how satisfied they are; `choices` are what the scores are called, the lowest first. */
export interface Survey {
  state: "none" | "waiting" | "asked" | "rated" | "dropped" | "expired";
  question: string;
  thanks: string;
  choices: string[];
  asked_at: string | null;
  until: string | null;
  score: number | null;
  comment: string;
}
