/** Names that begin so hold what the customer wrote: they stay on the device, whatever happens. */
export const PRIVATE = "out:";

/** A drawer of a few short texts that outlives the app: who the visitor is, and what was not sent yet. */
export interface Store {
  get: (name: string) => string | null;
  set: (name: string, value: string) => void;
  remove: (name: string) => void;
  /** Names in the drawer that begin so. */
  names: (start: string) => string[];
  clear: () => void;
}

/** React Native's AsyncStorage, and anything with its four functions. */
export interface SlowStorage {
  getAllKeys: () => Promise<readonly string[]>;
  getItem: (key: string) => Promise<string | null>;
  setItem: (key: string, value: string) => Promise<unknown>;
  removeItem: (key: string) => Promise<unknown>;
}

/** Forgets with the program. */
export class MemoryStore implements Store {
  protected readonly values = new Map<string, string>();

  get(name: string): string | null {
    return this.values.get(name) ?? null;
  }

  set(name: string, value: string): void {
    this.values.set(name, value);
  }

  remove(name: string): void {
    this.values.delete(name);
  }

  names(start: string): string[] {
    return [...this.values.keys()].filter((name) => name.startsWith(start));
  }

  clear(): void {
    for (const name of this.names("")) this.remove(name);
  }
}

/** Reads all that a slow storage keeps for a channel, and writes each change behind, in the order of the changes. */
export async function openStore(storage: SlowStorage, channel: string): Promise<Store> {
  const prefix = prefixOf(channel);
  const kept = (await storage.getAllKeys()).filter((key) => key.startsWith(prefix));
  const values = await Promise.all(kept.map(async (key) => [key.slice(prefix.length), await storage.getItem(key)]));
  return new WrittenBehind(
    storage,
    prefix,
    values.filter((each): each is [string, string] => each[1] !== null),
  );
}

class WrittenBehind extends MemoryStore {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly storage: SlowStorage,
    private readonly prefix: string,
    kept: readonly [string, string][],
  ) {
    super();
    for (const [name, value] of kept) this.values.set(name, value);
  }

  override set(name: string, value: string): void {
    super.set(name, value);
    this.write(() => this.storage.setItem(this.prefix + name, value));
  }

  override remove(name: string): void {
    super.remove(name);
    this.write(() => this.storage.removeItem(this.prefix + name));
  }

  private write(change: () => Promise<unknown>): void {
    // A full or broken storage costs the memory of this visit, never the visit.
    this.last = this.last.then(change).catch(() => undefined);
  }
}

/** localStorage of this origin, a drawer for each channel. Where the browser forbids it, memory for this visit. */
export class BrowserStore implements Store {
  /** Hears what could not be stored and should be kept elsewhere, each time it changes. */
  onForbidden: ((values: Record<string, string>) => void) | null = null;
  private readonly memory = new Map<string, string>();
  private readonly prefix: string;

  constructor(channel: string) {
    this.prefix = prefixOf(channel);
  }

  get(name: string): string | null {
    try {
      return localStorage.getItem(this.prefix + name) ?? this.memory.get(name) ?? null;
    } catch {
      return this.memory.get(name) ?? null;
    }
  }

  set(name: string, value: string): void {
    try {
      localStorage.setItem(this.prefix + name, value);
      this.memory.delete(name);
    } catch {
      this.memory.set(name, value);
      this.handOut(name);
    }
  }

  remove(name: string): void {
    if (this.memory.delete(name)) this.handOut(name);
    try {
      localStorage.removeItem(this.prefix + name);
    } catch {
      return; // nothing was stored there
    }
  }

  names(start: string): string[] {
    const names = new Set(this.memory.keys());
    try {
      for (const key of Object.keys(localStorage)) {
        if (key.startsWith(this.prefix)) names.add(key.slice(this.prefix.length));
      }
    } catch {
      // memory has them all
    }
    return [...names].filter((name) => name.startsWith(start));
  }

  /** Takes back what was kept elsewhere. */
  adopt(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) if (this.get(name) === null) this.memory.set(name, value);
  }

  clear(): void {
    for (const name of this.names("")) this.remove(name);
  }

  private handOut(changed: string): void {
    if (changed.startsWith(PRIVATE)) return;
    this.onForbidden?.(Object.fromEntries([...this.memory].filter(([name]) => !name.startsWith(PRIVATE))));
  }
}

/** The drawer of a browser, or of nobody. */
export const storeHere = (channel: string): Store =>
  typeof document === "undefined" ? new MemoryStore() : new BrowserStore(channel);

const prefixOf = (channel: string): string => `kefu:${channel}:`;
