import { backoffDelay } from "./backoff.js";
import { Cell } from "./cell.js";
import { ApiError, isRetryable } from "./errors.js";
import { newKey } from "./key.js";
import { PRIVATE as PREFIX, type Store } from "./store.js";
import type { Attachment, Message } from "./types.js";

/** A message of the customer's that the server has not yet confirmed. */
export interface Outgoing {
  /** The Idempotency-Key: every try carries the same one, so the message is stored once. */
  key: string;
  text: string;
  /** Files that the server has already. */
  attachments: readonly Attachment[];
  /** Value of the button that it was said with. */
  pressed: string | null;
  /** Milliseconds since 1970. */
  at: number;
  /** queued: will be sent · sending · failed: the server refused it, and would again. */
  state: "queued" | "sending" | "failed";
  /** Tries without an answer; after one, the server may have stored it all the same. */
  attempts: number;
  /** The newest message at the first try: the sent one comes right after it. */
  anchor: number | null;
  /** Why it failed. */
  error: string | null;
}

interface OutboxOptions {
  deliver: (entry: Outgoing) => Promise<Message>;
  onDelivered: (key: string, message: Message) => void;
  /** No longer in doubt: each entry is stored, refused, or was never tried. */
  onSettled: () => void;
  newest: () => number;
}

/**
 * What the customer wrote and the server does not know yet, one after the other, kept over reloads.
 *
 * Each entry is a storage key of its own, so that two tabs do not overwrite each other; when both send the same
 * entry, the server stores it once.
 */
export class Outbox {
  readonly entries = new Cell<readonly Outgoing[]>([]);
  private running: Promise<void> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly drawer: Store,
    private readonly options: OutboxOptions,
  ) {
    this.entries.value = restore(drawer);
  }

  /** Whether a message that the server shows may be one of ours whose answer was lost. */
  get uncertain(): boolean {
    return this.entries.value.some(
      ({ state, attempts }) => state === "sending" || (state === "queued" && attempts > 0),
    );
  }

  add(text: string, attachments: readonly Attachment[] = [], pressed: string | null = null): Outgoing {
    const entry: Outgoing = {
      key: newKey(),
      text,
      attachments,
      pressed,
      at: Date.now(),
      state: "queued",
      attempts: 0,
      anchor: null,
      error: null,
    };
    this.drawer.set(PREFIX + entry.key, JSON.stringify({ text, attachments, pressed, at: entry.at }));
    this.entries.value = [...this.entries.value, entry];
    return entry;
  }

  /** Sends what is queued, oldest first; resolves when nothing is left to send now. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.running ??= this.run().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  retry(key: string): Promise<void> {
    this.change(key, { state: "queued", error: null });
    return this.flush();
  }

  discard(key: string): void {
    this.drawer.remove(PREFIX + key);
    this.entries.value = this.entries.value.filter((entry) => entry.key !== key);
  }

  /** Tries nothing by itself; the next `flush` does. */
  pause(): void {
    clearTimeout(this.timer);
  }

  /** Forgets what it holds; the store is cleared by whoever owns it. */
  stop(): void {
    this.pause();
    this.entries.value = [];
  }

  private async run(): Promise<void> {
    for (;;) {
      const next = this.entries.value.find(({ state }) => state === "queued");
      if (!next) break;
      if (!(await this.deliver(next))) break;
    }
    if (!this.uncertain) this.options.onSettled();
  }

  /** Returns whether the next one may be tried now. */
  private async deliver(entry: Outgoing): Promise<boolean> {
    const { key, attempts, anchor } = entry;
    this.change(key, { state: "sending", anchor: anchor ?? this.options.newest() });
    try {
      const message = await this.options.deliver(entry);
      this.discard(key);
      this.options.onDelivered(key, message);
      return true;
    } catch (error) {
      if (isRetryable(error)) {
        this.change(key, { state: "queued", attempts: attempts + 1 });
        this.flushLater(error, attempts);
        return false;
      }
      this.change(key, { state: "failed", error: error instanceof ApiError ? error.code : "unknown" });
      return true;
    }
  }

  private flushLater(error: unknown, attempts: number): void {
    const told = error instanceof ApiError && error.retryAfter !== null ? error.retryAfter * 1000 : 0;
    this.timer = setTimeout(() => void this.flush(), Math.max(told, backoffDelay(attempts)));
  }

  private change(key: string, part: Partial<Outgoing>): void {
    this.entries.value = this.entries.value.map((entry) => (entry.key === key ? { ...entry, ...part } : entry));
  }
}

/** What an earlier visit left unsent; it may have been tried, so it counts as uncertain. */
function restore(drawer: Store): Outgoing[] {
  return drawer
    .names(PREFIX)
    .flatMap((name): Outgoing[] => {
      const stored = parse(drawer.get(name));
      if (!stored) return [];
      return [{ ...stored, key: name.slice(PREFIX.length), state: "queued", attempts: 1, anchor: null, error: null }];
    })
    .sort((a, b) => a.at - b.at);
}

function parse(text: string | null): Pick<Outgoing, "text" | "attachments" | "pressed" | "at"> | null {
  try {
    const stored = JSON.parse(text ?? "null") as Partial<Outgoing> | null;
    if (typeof stored?.text !== "string" || typeof stored.at !== "number") return null;
    return { text: stored.text, attachments: stored.attachments ?? [], pressed: stored.pressed ?? null, at: stored.at };
  } catch {
    return null;
  }
}
