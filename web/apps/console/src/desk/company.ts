/** The routes of surveys and webhooks. */
import { query, request } from "./request";

const id = encodeURIComponent;

export interface Texts {
  [language: string]: string;
}

/** When and how customers are asked how satisfied they are; `built_in` is said where the company wrote nothing. */
export interface SurveySettings {
  is_on: boolean;
  channels_off: string[];
  delay_seconds: number;
  window_hours: number;
  after_idle: boolean;
  unanswered: boolean;
  questions: Texts;
  thanks: Texts;
  built_in: { questions: Texts; thanks: Texts };
}

export interface Survey {
  state: "none" | "waiting" | "asked" | "rated" | "dropped" | "expired";
  question: string;
  choices: string[];
  asked_at: string | null;
  until: string | null;
  rated_at: string | null;
  score: number | null;
  comment: string;
  by: string;
  member: string | null;
}

export interface Webhook {
  id: string;
  name: string;
  url: string;
  events: string[];
  created_at: string;
  failing_since: string | null;
  paused_at: string | null;
  /** kefu: given up after a day of failures. */
  paused_by: string;
  last_error: string;
  last_sent_at: string | null;
  waiting: number;
  dead: number;
}

export interface WebhookDelivery {
  id: string;
  event: string;
  conversation: string | null;
  state: "pending" | "claimed" | "sent" | "dead";
  attempts: number;
  status: number | null;
  error: string;
  created_at: string;
  due_at: string;
  sent_at: string | null;
  body: Record<string, unknown>;
}

export interface WebhookEvent {
  name: string;
  title: { en: string; zh: string };
}

type Wanted = Pick<Webhook, "name" | "url" | "events">;

export const surveys = {
  settings: () => request<SurveySettings>("GET", "/surveys/settings"),
  change: (body: Partial<Omit<SurveySettings, "built_in">>) =>
    request<SurveySettings>("PATCH", "/surveys/settings", { body }),
  of: (conversation: string) => request<Survey>("GET", `/inbox/conversations/${id(conversation)}/survey`),
};

export const webhooks = {
  list: () => request<{ webhooks: Webhook[]; events: WebhookEvent[] }>("GET", "/webhooks"),
  add: (body: Wanted) => request<Webhook & { secret: string }>("POST", "/webhooks", { body }),
  change: (it: string, body: Partial<Wanted>) => request<Webhook>("PATCH", `/webhooks/${id(it)}`, { body }),
  remove: (it: string) => request<null>("DELETE", `/webhooks/${id(it)}`),
  secret: (it: string) => request<Webhook & { secret: string }>("POST", `/webhooks/${id(it)}/secret`),
  test: (it: string) =>
    request<{ status: number | null; error: string; ms: number }>("POST", `/webhooks/${id(it)}/test`),
  pause: (it: string, how: "pause" | "resume") => request<Webhook>("POST", `/webhooks/${id(it)}/${how}`),
  deliveries: (it: string, state: string) =>
    request<{ deliveries: WebhookDelivery[] }>("GET", `/webhooks/${id(it)}/deliveries${query({ state })}`),
  resend: (it: string, delivery?: string) =>
    request<{ count: number }>("POST", `/webhooks/${id(it)}/${delivery ? `deliveries/${id(delivery)}/` : ""}resend`),
};
