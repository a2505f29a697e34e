import type { HostIdentity, Scalar } from "@kefu/bridge";
import type { EventName, Listener } from "./events";
import type { Widget } from "./widget";

/** `window.Kefu`: what a company's page can ask of its chat. */
export interface KefuApi {
  open(): void;
  close(): void;
  toggle(): void;
  /** Says who the customer is. `hash` is made on your server: hex HMAC-SHA256 of `id` with the channel's secret. */
  identify(identity: HostIdentity): void;
  /** Facts about the customer or the page that members see beside the conversation. */
  setAttributes(attributes: Record<string, Scalar>): void;
  /** Forgets the customer on this device: call it when they log out. */
  forget(): void;
  /** Calls back at each event; returns a function that stops it. */
  on(event: EventName, listener: Listener): () => void;
}

/** A call made before the loader ran: `(window.Kefu ||= []).push(["open"])`. */
export type QueuedCall = [keyof KefuApi, ...unknown[]];

declare global {
  interface Window {
    Kefu?: KefuApi | QueuedCall[];
  }
}

export function createApi(widget: Widget, queued: QueuedCall[]): KefuApi {
  const api: KefuApi = {
    open: () => {
      widget.open();
    },
    close: () => {
      widget.close();
    },
    toggle: () => {
      widget.toggle();
    },
    identify: (identity) => {
      if (!isIdentity(identity)) {
        console.error("Kefu.identify needs { id, hash } as texts; hash is made on your server from id");
        return;
      }
      widget.identify(identity);
    },
    setAttributes: (attributes) => {
      widget.setAttributes(scalarsOf(attributes));
    },
    forget: () => {
      widget.forget();
    },
    on: (event, listener) => widget.events.on(event, listener),
  };
  for (const [method, ...args] of queued) {
    if (Object.hasOwn(api, method)) (api[method] as (...args: unknown[]) => void)(...args);
    else console.error(`Kefu.${method} does not exist`);
  }
  return api;
}

function isIdentity(value: unknown): value is HostIdentity {
  const { id, hash } = (value ?? {}) as Partial<HostIdentity>;
  return typeof id === "string" && id !== "" && typeof hash === "string" && hash !== "";
}

/** Only texts, numbers and yes/no can cross to the frame; others are left out aloud. */
function scalarsOf(attributes: Record<string, unknown>): Record<string, Scalar> {
  const isScalar = (entry: [string, unknown]): entry is [string, Scalar] =>
    ["string", "number", "boolean"].includes(typeof entry[1]);
  const entries = Object.entries(attributes);
  const left = entries.filter((entry) => !isScalar(entry)).map(([name]) => name);
  if (left.length) console.warn(`Kefu.setAttributes takes texts, numbers and booleans; left out: ${left.join(", ")}`);
  return Object.fromEntries(entries.filter(isScalar));
}
