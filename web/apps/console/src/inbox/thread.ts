import { Timeline } from "@kefu/client";
import { computed, onScopeDispose, ref, shallowRef } from "vue";
import { inbox } from "../desk/api";
import type { Conversation, ConversationDetail, DeskEvent, Message } from "../desk/types";
import { onComeback, onLive, tellTyping } from "../live";
import { explain } from "../problems";
import { me } from "../session";
import { useFiles } from "./files";
import { letGo, sendingOf } from "./outgoing";
import { notYetShown } from "./sending";

const PAGE = 60;
/** Who writes says so about every 3 s; twice that without a word and they have stopped. */
const TYPING_SHOWN_MS = 6_000;
const TYPING_TOLD_MS = 2_500;

export type Thread = ReturnType<typeof useThread>;

/** One conversation on screen: what was said, what is being said, who has it. */
export function useThread(id: string, onChange: (conversation: Conversation) => void) {
  let timeline = new Timeline<Message>();
  const conversation = shallowRef<ConversationDetail | null>(null);
  const messages = shallowRef<readonly Message[]>([]);
  const problem = shallowRef<string | null>(null);
  const loaded = ref(false);
  const hasOlder = ref(false);
  const partial = shallowRef<{ turn: string; text: string } | null>(null);
  const typing = useTyping();
  const files = useFiles(id);

  const sending = sendingOf(id);
  sending.onStored = (message) => {
    hear(message);
    if (!message.internal) void readConversation(); // a reply takes what nobody owns
  };
  const outgoing = computed(() => notYetShown(sending.entries.value, messages.value, me.value?.id ?? ""));

  const show = (): void => {
    messages.value = timeline.messages;
  };
  const hear = (message: Message): void => {
    const gap = timeline.add(message);
    show();
    if (message.author === "assistant") partial.value = null;
    if (message.author === "contact") typing.stop("contact");
    if (gap && loaded.value) void readNew();
  };
  const readConversation = async (): Promise<void> => {
    const fresh = await inbox.conversation(id);
    conversation.value = fresh;
    onChange(fresh);
  };
  const readNew = async (): Promise<void> => {
    try {
      for (let more = true; more;) {
        const after = timeline.complete;
        const page = (await inbox.messages(id, { after, limit: PAGE })).messages;
        timeline.fill(after, page);
        more = page.length === PAGE;
      }
      show();
    } catch {
      // the socket's comeback or the next message asks again
    }
  };
  const readOneAgain = async (message: string): Promise<void> => {
    const shown = messages.value.find((each) => each.id === message);
    if (!shown) return;
    timeline.fill(timeline.complete, (await inbox.messages(id, { after: shown.sequence - 1, limit: 1 })).messages);
    show();
  };
  const readOlder = async (): Promise<void> => {
    const before = messages.value[0]?.sequence;
    if (before === undefined) return;
    const page = (await inbox.messages(id, { before, limit: PAGE })).messages;
    timeline.fill(before - 1, page);
    hasOlder.value = page.length === PAGE;
    show();
  };
  const read = async (): Promise<void> => {
    try {
      const [, page] = await Promise.all([readConversation(), inbox.messages(id, { limit: PAGE })]);
      const early = timeline.messages; // what the socket told meanwhile
      timeline = new Timeline<Message>();
      timeline.complete = page.messages.at(-1)?.sequence ?? 0;
      timeline.fill(timeline.complete, [...page.messages]);
      loaded.value = true;
      for (const message of early) if (message.sequence > timeline.complete) hear(message);
      hasOlder.value = page.messages.length === PAGE;
      problem.value = null;
      show();
    } catch (error) {
      problem.value = explain(error);
    }
  };
  /** Takes up what the server says the conversation is now. */
  const put = (fresh: Conversation): void => {
    const contact = conversation.value?.contact;
    if (contact) conversation.value = { ...fresh, contact: { ...contact, ...fresh.contact } };
  };
  const live = (event: DeskEvent): void => {
    switch (event.type) {
      case "message.created":
      case "message.updated":
      case "reply.completed":
        if (event.conversation === id) hear(event.message);
        break;
      case "conversation.created":
      case "conversation.updated":
        if (event.conversation.id === id) put(event.conversation);
        break;
      case "reply.delta":
        if (event.conversation === id) partial.value = grown(partial.value, event);
        break;
      case "typing":
        if (event.conversation === id) typing.start(event.author, event.name);
        break;
      case "changed":
        if (event.kind === "message.rated") void readOneAgain(event.id);
        break;
      case "call.updated": // the panel of calls hears it
      case "presence":
      case "looking":
        break;
    }
  };

  onLive(live);
  onComeback(() => {
    void readNew();
    void readConversation().catch(() => undefined);
    sending.hurry();
    files.hurry();
  });
  onScopeDispose(() => {
    letGo(id); // what is on its way still goes
  });
  void read();

  const send = (text: string, internal: boolean, mentions: readonly string[] = []): void => {
    sending.add(text, files.take(), internal, messages.value.at(-1)?.sequence ?? 0, mentions);
  };
  return {
    id,
    conversation,
    messages,
    outgoing,
    problem,
    loaded,
    hasOlder,
    partial,
    typing,
    files,
    sending,
    read,
    readOlder,
    put,
    send,
  };
}

/** Who is writing now; each name goes after a while without a word. */
function useTyping() {
  const writers = shallowRef<Readonly<Record<string, string>>>({});
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  let told = 0;

  const stop = (author: string): void => {
    clearTimeout(timers.get(author));
    writers.value = Object.fromEntries(Object.entries(writers.value).filter(([who]) => who !== author));
  };
  const start = (author: string, name: string | null): void => {
    clearTimeout(timers.get(author));
    writers.value = { ...writers.value, [author]: name ?? "" };
    timers.set(
      author,
      setTimeout(() => {
        stop(author);
      }, TYPING_SHOWN_MS),
    );
  };
  /** Tells others that this member writes. */
  const tell = (conversation: string): void => {
    if (Date.now() - told < TYPING_TOLD_MS) return;
    told = Date.now();
    tellTyping(conversation);
  };
  onScopeDispose(() => {
    for (const timer of timers.values()) clearTimeout(timer);
  });
  return { writers, start, stop, tell };
}

const grown = (partial: { turn: string; text: string } | null, piece: { turn: string; text: string }) => ({
  turn: piece.turn,
  text: partial?.turn === piece.turn ? partial.text + piece.text : piece.text,
});
