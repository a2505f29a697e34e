/** The desk API of what helps a member answer, as functions, one for each route. */
import { query, request } from "./request";

const at = (conversation: string, what: string): string =>
  `/inbox/conversations/${encodeURIComponent(conversation)}/copilot/${what}`;

export type Way = "shorter" | "warmer" | "translate";

export interface Ability {
  can_write: boolean;
  /** Why not, in a sentence. */
  reason: string;
}

export interface SuggestionSource {
  title: string;
  document: string;
  text: string;
  url: string | null;
}

export interface SuggestedReply {
  /** Where the workspace keeps what members send instead. */
  id: string | null;
  question: string;
  text: string;
  reason: "" | "nothing_asked" | "nothing_found";
  decision: string;
  confidence: number;
  language: string;
  sources: SuggestionSource[];
  /** What search found nearest, whether it answers or not. */
  found: SuggestionSource[];
}

export interface ConversationSummary {
  points: { question: string; answer: string; by: string }[];
  refused: string[];
  open: string;
  known: { name: string; value: string }[];
  text: string;
  is_generated: boolean;
}

export interface SimilarConversation {
  id: string;
  question: string;
  answer: string;
  by: string;
  resolved_at: string | null;
  score: number;
}

export const copilot = {
  ability: () => request<Ability>("GET", "/copilot"),
  rewrite: (body: { text: string; way: Way; language?: string }) =>
    request<{ text: string }>("POST", "/copilot/rewrite", { body }),
  suggest: (conversation: string) => request<SuggestedReply>("POST", at(conversation, "suggestion")),
  sent: (conversation: string, body: { suggestion: string; message: string }) =>
    request<{ distance: number }>("POST", at(conversation, "sent"), { body }),
  summary: (conversation: string, language: string, written = false) =>
    request<ConversationSummary>("GET", `${at(conversation, "summary")}${query({ language, written })}`),
  similar: (conversation: string) =>
    request<{ conversations: SimilarConversation[] }>("GET", at(conversation, "similar")),
  faqDraft: (conversation: string) =>
    request<{ question: string; answer: string; is_masked: boolean }>("GET", at(conversation, "faq-draft")),
};
