import { Cell } from "./cell.js";
import { Timeline } from "./timeline.js";
import type { Conversation, LiveEvent, Message } from "./types.js";

/** As many as a screen holds several times over; a longer history comes in several answers. */
const PAGE = 100;
/** Nobody types this long without a sign; the server repeats it every few seconds. */
const TYPING_MS = 6_000;
/** After this long without an answer the dots would only mislead. */
const AWAIT_MS = 60_000;

type Fetch = (conversation: string, after: number, limit: number) => Promise<{ messages: Message[] }>;

/** One conversation as the customer sees it: what was said, what is being said, and who is there. */
export class Thread {
  readonly conversation = new Cell<Conversation | null>(null);
  readonly messages = new Cell<readonly Message[]>([]);
  /** Answers that are still streaming in, by turn. */
  readonly drafts = new Cell<ReadonlyMap<string, string>>(new Map());
  readonly typist = new Cell<{ name: string | null } | null>(null);
  private timeline = new Timeline();
  private filling: Promise<void> | null = null;
  private fillAgain = false;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly fetch: Fetch) {}

  /** Whether an answer of the assistant is on its way. */
  get awaiting(): boolean {
    return this.conversation.value?.status === "bot" && this.unanswered();
  }

  get newest(): number {
    return this.timeline.last;
  }

  /** Follows another conversation (or none) from its beginning. */
  follow(conversation: Conversation | null): void {
    if (conversation?.id !== this.conversation.value?.id) {
      this.timeline = new Timeline();
      this.filling = null;
      this.messages.value = [];
      this.dropDrafts();
    }
    this.conversation.value = conversation;
  }

  /** Adds a message; returns whether earlier ones may be missing. */
  add(message: Message): boolean {
    const gap = this.timeline.add(message);
    this.finishDraft(message);
    this.publish();
    return gap;
  }

  /** Asks for every message after the last that is known for certain. */
  fill(): Promise<void> {
    // A request that is under way may have been answered before the message that is missed now: ask once more after it.
    if (this.filling) this.fillAgain = true;
    this.filling ??= this.fetchMissing().finally(() => {
      this.filling = null;
    });
    return this.filling;
  }

  /** Takes an event of this conversation; returns whether messages may be missing. */
  receive(event: LiveEvent): boolean {
    switch (event.type) {
      case "message.created":
      case "message.updated":
      case "reply.completed":
        return this.add(event.message);
      case "reply.delta":
        this.extendDraft(event.turn, event.text);
        return false;
      case "conversation.created":
      case "conversation.updated":
        this.update(event.conversation);
        return false;
      case "typing":
        if (event.author !== "contact") this.showTyping(event.name);
        return false;
    }
  }

  update(conversation: Conversation): void {
    this.conversation.value = { ...this.conversation.value, ...conversation };
    if (conversation.status !== "bot") this.dropDrafts(); // a hand-over discards the reply
  }

  /** A cut connection loses pieces: better the whole answer a moment later than one with a hole. */
  dropDrafts(): void {
    if (this.drafts.value.size) this.drafts.value = new Map();
  }

  private async fetchMissing(): Promise<void> {
    const { timeline } = this;
    const id = this.conversation.value?.id;
    if (!id) return;
    for (;;) {
      const after = timeline.complete;
      const { messages } = await this.fetch(id, after, PAGE);
      if (timeline !== this.timeline) return; // another conversation is followed by now
      timeline.fill(after, messages);
      messages.forEach((message) => {
        this.finishDraft(message);
      });
      this.publish();
      if (messages.length < PAGE && !this.fillAgain) return;
      this.fillAgain = false;
    }
  }

  private extendDraft(turn: string, piece: string): void {
    if (this.timeline.messages.some((message) => message.author === "assistant" && message.turn === turn)) return;
    this.drafts.value = new Map(this.drafts.value).set(turn, (this.drafts.value.get(turn) ?? "") + piece);
    this.typist.value = null;
  }

  private finishDraft({ author, turn }: Message): void {
    if (author !== "contact") this.typist.value = null;
    if (author !== "assistant" || turn === null || !this.drafts.value.has(turn)) return;
    const drafts = new Map(this.drafts.value);
    drafts.delete(turn);
    this.drafts.value = drafts;
  }

  private showTyping(name: string | null): void {
    clearTimeout(this.typingTimer);
    this.typist.value = { name };
    this.typingTimer = setTimeout(() => {
      this.typist.value = null;
    }, TYPING_MS);
  }

  private unanswered(): boolean {
    const answers = this.messages.value.filter(({ author }) => author !== "contact");
    return this.messages.value.some(
      ({ author, outcome, turn, sequence, created_at }) =>
        author === "contact" &&
        outcome === "pending" &&
        Date.now() - Date.parse(created_at) < AWAIT_MS &&
        !answers.some((answer) => answer.sequence > sequence && (turn === null || answer.turn === turn)),
    );
  }

  private publish(): void {
    this.messages.value = this.timeline.messages;
  }
}
