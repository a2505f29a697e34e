import type { Message } from "./types.js";

/**
 * The messages of one conversation, in order, each once, however often and in whatever order they arrive.
 *
 * A message that arrives ahead of others it follows shows as a gap: then ask the server for what came after `complete`.
 */
export class Timeline<M extends Pick<Message, "id" | "sequence"> = Message> {
  private byId = new Map<string, M>();
  private ordered: readonly M[] = [];

  /** Everything up to this sequence has been asked for; 0 before the first answer. */
  complete = 0;

  get messages(): readonly M[] {
    return this.ordered;
  }

  get last(): number {
    return this.ordered.at(-1)?.sequence ?? 0;
  }

  /** Adds a message from the live socket. Returns whether something before it may be missing. */
  add(message: M): boolean {
    this.put([message]);
    if (message.sequence === this.complete + 1) this.complete = message.sequence;
    return message.sequence > this.complete;
  }

  /** Adds the server's answer to "what came after `after`"; with it nothing is missing up to its end. */
  fill(after: number, messages: readonly M[]): void {
    this.put(messages);
    if (after <= this.complete) this.complete = Math.max(this.complete, messages.at(-1)?.sequence ?? after);
  }

  private put(messages: readonly M[]): void {
    for (const message of messages) this.byId.set(message.id, message);
    this.ordered = [...this.byId.values()].sort((a, b) => a.sequence - b.sequence);
  }
}
