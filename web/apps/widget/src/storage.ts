/** Names that begin so hold what the customer wrote: they stay here, whatever happens. */
export const PRIVATE = "out:";

/** localStorage of Kefu's origin, a drawer for each channel. Where the browser forbids it, memory for this visit. */
export class Drawer {
  /** Hears what could not be stored and should be kept elsewhere, each time it changes. */
  onForbidden: ((values: Record<string, string>) => void) | null = null;
  private readonly memory = new Map<string, string>();
  private readonly prefix: string;

  constructor(channel: string) {
    this.prefix = `kefu:${channel}:`;
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

  /** Names in the drawer that begin so. */
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
