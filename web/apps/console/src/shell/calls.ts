import { onScopeDispose } from "vue";
import { useRouter } from "vue-router";
import { call, nudge, prepareSound, showCounts } from "../attention";
import { inbox } from "../desk/api";
import type { Conversation, ConversationStatus, DeskEvent } from "../desk/types";
import { onComeback, onLive } from "../live";
import { useOutgoing } from "../inbox/outgoing";
import { may, me } from "../session";
import { t } from "../texts";
import { say } from "../toasts";

/** Fifty members and three hundred customers change counts many times a second; people read them once. */
const QUIET_MS = 500;
/** An update about a conversation this console has not met is news only while the waiting has just begun. */
const JUST_NOW_MS = 15_000;

/** Keeps the counts of the whole console fresh, and calls the member when a customer wants a person. */
export function useCalls(): void {
  const router = useRouter();
  const known = new Map<string, ConversationStatus>();
  const mine = new Set<string>();
  const offered = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const count = async (): Promise<void> => {
    timer = undefined;
    try {
      showCounts(await inbox.counts());
    } catch {
      // the next change asks again; pages show their own errors
    }
  };
  const countSoon = (): void => {
    timer ??= setTimeout(() => void count(), QUIET_MS);
  };
  const open = (id: string): void => {
    void router.push({ name: "inbox", params: { id } });
  };
  const changed = (conversation: Conversation): void => {
    const isOffered = conversation.status === "waiting" && conversation.offered_to?.id === me.value?.id;
    if (isOffered && !offered.has(conversation.id)) {
      say(t("offer.told"));
      call(conversation, open);
    } else if (!isOffered && beginsToWait(conversation, known.get(conversation.id))) call(conversation, open);
    if (isOffered) offered.add(conversation.id);
    else offered.delete(conversation.id);
    known.set(conversation.id, conversation.status);
    if (conversation.status === "open" && conversation.assignee?.id === me.value?.id) mine.add(conversation.id);
    else mine.delete(conversation.id);
  };
  /** A note names this member, or what they put away is back. */
  const told = (kind: string, id: string, conversation: string): void => {
    if (kind === "mention.created" && id === me.value?.id) say(t("mention.told"));
    else if (kind === "conversation.sla_warned" && (mine.has(id) || may("supervisor"))) say(t("sla.told.warned"));
    else if (kind === "conversation.sla_breached" && (mine.has(id) || may("supervisor"))) say(t("sla.told.breached"));
    else if (kind === "conversation.escalated" && may("supervisor")) say(t("offer.escalated"));
    else if (kind === "conversation.woken" && mine.has(conversation)) say(t("snooze.back"));
    else return;
    nudge();
  };
  onLive((event: DeskEvent) => {
    if (event.type === "conversation.created" || event.type === "conversation.updated") changed(event.conversation);
    if (event.type === "message.created" && event.message.author === "contact" && mine.has(event.conversation)) nudge();
    if (event.type === "changed") told(event.kind, event.id, event.conversation ?? "");
    if (
      event.type !== "typing" &&
      event.type !== "reply.delta" &&
      event.type !== "presence" &&
      event.type !== "looking"
    )
      countSoon();
  });
  useOutgoing();
  onComeback(() => void count());
  onScopeDispose(() => {
    clearTimeout(timer);
  });
  prepareSound();
  void count();
}

/** Whether this change of a conversation is the one at which a customer began to wait for a person. */
export function beginsToWait(conversation: Conversation, before: ConversationStatus | undefined): boolean {
  if (conversation.status !== "waiting" || before === "waiting") return false;
  if (before !== undefined) return true;
  return Date.now() - Date.parse(conversation.waiting_since ?? "") < JUST_NOW_MS;
}
