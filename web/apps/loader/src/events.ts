import type { FrameEvent, Scalar } from "@kefu/bridge";

export type EventName = FrameEvent | "ready" | "open" | "close" | "unread";
export type Listener = (detail: Record<string, Scalar>) => void;

/** Listeners by event; one that throws does not stop the others. */
export class Events {
  private readonly listeners = new Map<EventName, Set<Listener>>();

  on(event: EventName, listener: Listener): () => void {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set.add(listener));
    return () => set.delete(listener);
  }

  emit(event: EventName, detail: Record<string, Scalar> = {}): void {
    for (const listener of this.listeners.get(event) ?? []) {
      try {
        listener(detail);
      } catch (error) {
        console.error(error); // the company's own mistake: it belongs in its console
      }
    }
  }
}
