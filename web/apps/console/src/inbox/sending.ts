import { ApiError, backoffDelay, isRetryable, newKey } from "@kefu/client";
import { shallowRef, type ShallowRef } from "vue";
import type { Attachment, Message } from "../desk/types";

/** Something a member wrote that the server has not confirmed yet. */
export interface Outgoing {
  /** The Idempotency-Key: every try carries the same one, so it is stored once. */
  key: string;
  text: string;
  /** Files that the server has already. */
  attachments: readonly Attachment[];
  internal: boolean;
  /** Members whom a note names. */
  mentions?: readonly string[];
  at: string;
  state: "sending" | "waiting" | "failed";
  /** The newest message when it was written: the stored one comes after it. */
  anchor: number;
  /** Why it failed. */
  error: unknown;
}

type Deliver = (entry: Outgoing) => Promise<Message>;

/** What is being sent in one conversation, in order, each until it is stored or refused. */
export class Sending {
  readonly entries: ShallowRef<readonly Outgoing[]>;
  private running = false;
  private stopped = false;
  private wake: (() => void) | null = null;

  constructor(
    private readonly deliver: Deliver,
    /** Hears of each message that is stored; whoever shows the conversation sets it. */
    public onStored: (message: Message) => void,
    /** What an earlier page had not had confirmed, and where this one's is kept. */
    kept: readonly Outgoing[] = [],
    private readonly keep: (entries: readonly Outgoing[]) => void = () => undefined,
  ) {
    this.entries = shallowRef(kept);
    if (kept.length) void this.run();
  }

  add(
    text: string,
    attachments: readonly Attachment[],
    internal: boolean,
    anchor: number,
    mentions: readonly string[] = [],
  ): void {
    const at = new Date().toISOString();
    const entry = { key: newKey(), text, attachments, internal, mentions, at, state: "sending", anchor, error: null };
    this.put([...this.entries.value, entry as Outgoing]);
    void this.run();
  }

  retry(key: string): void {
    this.change(key, { state: "sending", error: null });
    void this.run();
  }

  discard(key: string): void {
    this.put(this.entries.value.filter((entry) => entry.key !== key));
  }

  /** Tries at once what waits for its next try. */
  hurry(): void {
    this.wake?.();
  }

  stop(): void {
    this.stopped = true;
    this.wake?.();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (let attempt = 0; !this.stopped;) {
      const entry = this.entries.value.find(({ state }) => state !== "failed");
      if (!entry) break;
      attempt = (await this.send(entry)) ? 0 : attempt + 1;
      if (attempt) await this.pause(backoffDelay(attempt - 1));
    }
    this.running = false;
  }

  /** Returns whether this entry is settled. */
  private async send(entry: Outgoing): Promise<boolean> {
    this.change(entry.key, { state: "sending" });
    try {
      const message = await this.deliver(entry);
      this.onStored(message);
      this.discard(entry.key);
      return true;
    } catch (error) {
      const again = isRetryable(error) || (error instanceof ApiError && error.status === 401); // after logging in
      this.change(entry.key, again ? { state: "waiting" } : { state: "failed", error });
      return !again;
    }
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private change(key: string, part: Partial<Outgoing>): void {
    this.put(this.entries.value.map((entry) => (entry.key === key ? { ...entry, ...part } : entry)));
  }

  private put(entries: readonly Outgoing[]): void {
    this.entries.value = entries;
    this.keep(entries);
  }
}

/**
 * What is still to be shown as on its way: an entry whose message is here already is not.
 *
 * The socket often tells of a message before the answer to its request arrives; showing both would double it.
 */
export function notYetShown(entries: readonly Outgoing[], messages: readonly Message[], me: string): Outgoing[] {
  const claimed = new Set<string>();
  return entries.filter((entry) => {
    if (entry.state === "failed") return true;
    const stored = messages.find(
      (message) =>
        message.author === "member" &&
        message.author_id === me &&
        message.internal === entry.internal &&
        message.sequence > entry.anchor &&
        (message.masked || message.text === entry.text) && // what is masked does not read as it was written
        message.attachments.map(({ id }) => id).join() === entry.attachments.map(({ id }) => id).join() &&
        !claimed.has(message.id),
    );
    if (stored) claimed.add(stored.id);
    return !stored;
  });
}
