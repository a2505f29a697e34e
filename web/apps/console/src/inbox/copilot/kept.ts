import { watch, type Ref } from "vue";
import { copilot } from "../../desk/copilot";
import type { Message } from "../../desk/types";
import { me } from "../../session";

/** Suggestions that a member took over, by conversation, with the newest message at that moment. */
const taken = new Map<string, { suggestion: string; after: number }>();

export function took(conversation: string, suggestion: string, after: number): void {
  taken.set(conversation, { suggestion, after });
}

/** Tells what was sent in place of a suggestion that was taken over: the member's next reply. */
export function useKeptSuggestion(conversation: string, messages: Readonly<Ref<readonly Message[]>>): void {
  watch(messages, (now) => {
    const waiting = taken.get(conversation);
    if (!waiting) return;
    const sent = now.find(
      ({ author, author_id, internal, sequence }) =>
        author === "member" && !internal && author_id === me.value?.id && sequence > waiting.after,
    );
    if (!sent) return;
    taken.delete(conversation);
    copilot.sent(conversation, { suggestion: waiting.suggestion, message: sent.id }).catch(() => {
      return; // one example fewer to learn from; nothing of the conversation is lost
    });
  });
}
