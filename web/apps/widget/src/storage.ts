/** localStorage of Kefu's origin, a drawer for each channel. Where the browser forbids it, memory for this visit. */
export class Drawer {
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
    }
  }

  remove(name: string): void {
    this.memory.delete(name);
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

  clear(): void {
    for (const name of this.names("")) this.remove(name);
  }
}
