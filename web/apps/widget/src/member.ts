import { computed, type ComputedRef } from "vue";
import { useChat } from "./context";

/** Name of the member who has the conversation; null while nobody does, or nobody wrote yet and the server does not say. */
export function useMember(): ComputedRef<string | null> {
  const { thread, status } = useChat();
  return computed(() => {
    if (status.value !== "open") return null;
    const wrote = thread.messages.value.findLast(({ author }) => author === "member")?.author_name;
    return thread.conversation.value?.assignee_name ?? wrote ?? null;
  });
}
