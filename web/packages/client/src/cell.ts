/**
 * A value that tells those who watch it when it changes.
 *
 * `get` and `subscribe` are what React's `useSyncExternalStore` asks for; `value` is the same for everybody else.
 */
export interface Readable<T> {
  readonly value: T;
  readonly get: () => T;
  /** Calls back after each change; returns how to stop. */
  readonly subscribe: (heard: () => void) => () => void;
}

export class Cell<T> implements Readable<T> {
  private readonly watchers = new Set<() => void>();

  constructor(private now: T) {}

  get value(): T {
    return this.now;
  }

  set value(next: T) {
    if (Object.is(next, this.now)) return;
    this.now = next;
    for (const heard of [...this.watchers]) call(heard);
  }

  readonly get = (): T => this.now;

  readonly subscribe = (heard: () => void): (() => void) => {
    const watcher = (): void => {
      heard(); // a function of our own, so that the same callback may watch twice
    };
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
}

/** Runs an app's callback; what it throws is the app's to hear of, and stops nothing here. */
export function call(heard: () => void): void {
  try {
    heard();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}
