import { onScopeDispose, shallowRef, watch, type Ref } from "vue";
import { inbox } from "../desk/api";
import type { Conversation, Message } from "../desk/types";
import { onComeback, onLive } from "../live";
import { explain } from "../problems";
import { me } from "../session";
import { belongs, byActivity, filterOf, takesIn, type Choice } from "./views";

const SEARCH_PAUSE_MS = 250;

/** The list of conversations that a choice shows, kept fresh by live events. */
export function useConversations(choice: Ref<Choice>) {
  const rows = shallowRef<readonly Conversation[] | null>(null);
  const problem = shallowRef<string | null>(null);
  const next = shallowRef<string | null>(null);
  /** Time of the newest message that each row's count of unread ones knows of. */
  const countedUpTo = new Map<string, string>();
  let latest = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = async (): Promise<void> => {
    const mine = ++latest;
    try {
      const page = await inbox.conversations(filterOf(choice.value));
      if (mine !== latest) return;
      rows.value = page.conversations;
      for (const row of page.conversations) countedUpTo.set(row.id, row.last_message?.created_at ?? "");
      next.value = page.next;
      problem.value = null;
    } catch (error) {
      if (mine === latest) problem.value = explain(error);
    }
  };
  const more = async (): Promise<void> => {
    if (!next.value) return;
    const mine = latest;
    const page = await inbox.conversations(filterOf(choice.value), next.value);
    if (mine !== latest) return;
    rows.value = merged(rows.value ?? [], page.conversations);
    for (const row of page.conversations) countedUpTo.set(row.id, row.last_message?.created_at ?? "");
    next.value = page.next;
  };
  /** Takes up a conversation as it is now. The socket does not say how much of it is unread: it tells all members the same. */
  const put = (fresh: Conversation): void => {
    if (!rows.value) return;
    const before = rows.value.find(({ id }) => id === fresh.id);
    const others = rows.value.filter(({ id }) => id !== fresh.id);
    const fits = belongs(fresh, choice.value, me.value?.id) && (before !== undefined || takesIn(choice.value));
    if (!before) countedUpTo.set(fresh.id, fresh.last_message?.created_at ?? "");
    const unread = fresh.unread ?? before?.unread ?? (fresh.last_message?.author === "contact" ? 1 : 0);
    rows.value = fits ? [...others, { ...fresh, unread }].sort(byActivity) : others;
  };
  const speak = (message: Message): void => {
    const row = rows.value?.find(({ id }) => id === message.conversation);
    if (!row) return;
    const isNew = message.author === "contact" && message.created_at > (countedUpTo.get(row.id) ?? "");
    if (isNew) countedUpTo.set(row.id, message.created_at);
    put({ ...withMessage(row, message), unread: (row.unread ?? 0) + (isNew ? 1 : 0) });
  };
  const markRead = (id: string): void => {
    rows.value = rows.value?.map((row) => (row.id === id ? { ...row, unread: 0 } : row)) ?? null;
  };

  onLive((event) => {
    if (event.type === "conversation.created" || event.type === "conversation.updated") put(event.conversation);
    else if (event.type === "message.created" || event.type === "reply.completed") speak(event.message);
  });
  onComeback(() => void read());
  onScopeDispose(() => {
    clearTimeout(timer);
  });
  watch(
    choice,
    (now, before) => {
      clearTimeout(timer);
      const typed = before !== undefined && now.search !== before.search;
      if (!typed) rows.value = null;
      timer = setTimeout(() => void read(), typed ? SEARCH_PAUSE_MS : 0);
    },
    { immediate: true },
  );
  return { rows, problem, next, read, more, put, markRead };
}

/** The row after a message was said, if it is the newest. */
export function withMessage(row: Conversation, message: Message): Conversation {
  const { author, author_name, text, attachments, created_at, internal } = message;
  if (row.last_message && row.last_message.created_at > created_at) return row;
  return {
    ...row,
    last_message: { author, author_name, text, attachments, created_at, internal },
    asked: row.status === "waiting" && author === "contact" ? text : row.asked,
    last_activity_at: created_at > row.last_activity_at ? created_at : row.last_activity_at,
  };
}

function merged(shown: readonly Conversation[], more: readonly Conversation[]): Conversation[] {
  const ids = new Set(shown.map(({ id }) => id));
  return [...shown, ...more.filter(({ id }) => !ids.has(id))];
}
