/** What the loader remembers on the company's origin: how to greet a customer who comes back. No personal data. */
export interface Memory {
  color?: string;
  /** Wrote before: load the frame at once, so that the badge can show an answer that came meanwhile. */
  returning?: boolean;
  /** The panel stood open when the customer went to another page (kept for the visit). */
  open?: boolean;
}

/** Storage that never throws: private windows and strict settings forbid it, and the chat works without. */
export class MemoryStore {
  constructor(private readonly channel: string) {}

  read(): Memory {
    return { ...load(localKey(this.channel), "localStorage"), ...load(localKey(this.channel), "sessionStorage") };
  }

  keep({ open, ...lasting }: Memory): void {
    if (open !== undefined) save(localKey(this.channel), "sessionStorage", { open });
    if (Object.keys(lasting).length) {
      save(localKey(this.channel), "localStorage", { ...load(localKey(this.channel), "localStorage"), ...lasting });
    }
  }
}

/** What the frame gave to keep, see the bridge's protocol. */
export function keptForFrame(channel: string): Record<string, string> {
  return load(frameKey(channel), "localStorage") as Record<string, string>;
}

export function keepForFrame(channel: string, values: Record<string, string>): void {
  save(frameKey(channel), "localStorage", values);
}

type Area = "localStorage" | "sessionStorage";

const localKey = (channel: string): string => `kefu:${channel}`;
const frameKey = (channel: string): string => `kefu:${channel}:frame`;

function load(key: string, area: Area): Memory {
  try {
    return JSON.parse(window[area].getItem(key) ?? "{}") as Memory;
  } catch {
    return {};
  }
}

function save(key: string, area: Area, memory: Memory | Record<string, string>): void {
  try {
    window[area].setItem(key, JSON.stringify(memory));
  } catch {
    return; // forbidden or full: only a nicety is lost
  }
}
