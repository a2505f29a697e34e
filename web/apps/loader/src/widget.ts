import {
  connectToFrame,
  embedHash,
  Port,
  type HostIdentity,
  type FrameMessages,
  type HostMessages,
  type Scalar,
} from "@kefu/bridge";
import { Events } from "./events";
import { keepForFrame, keptForFrame, MemoryStore } from "./memory";
import type { LoaderOptions } from "./options";
import { PHONE, View } from "./view";

/** A frame that has not even loaded by then will not: the network is gone. */
const CONNECT_WITHIN_MS = 15_000;
/**
 * Kefu's page says hello before it counts as loaded, so what has loaded and is silent is not Kefu's page: the browser
 * puts a page of its own in the place of a frame that may not be shown. A hello on a busy device takes some tenths of
 * a second to be heard, and on one that does ten things at once a second or two.
 */
const HELLO_WITHIN_MS = 3_000;

/** Bubble, panel and frame as one: what is open, what is known, what still has to be told to the frame. */
export class Widget {
  readonly events = new Events();
  private readonly view: View;
  private readonly memory: MemoryStore;
  private readonly port: Port<FrameMessages, HostMessages>;
  private connected = false;
  private gaveUp = false;
  private isOpen = false;
  private identity: HostIdentity | null = null;
  private attributes: Record<string, Scalar> = {};

  constructor(private readonly options: LoaderOptions) {
    this.memory = new MemoryStore(options.channel);
    this.view = new View(options, {
      toggle: () => {
        this.toggle();
      },
      close: () => {
        this.close();
      },
      intent: () => {
        this.loadFrame();
      },
    });
    this.port = new Port<FrameMessages, HostMessages>({
      ready: (data) => {
        this.ready(data);
      },
      unread: ({ count }) => {
        this.view.showUnread(count);
        this.events.emit("unread", { count });
      },
      keep: ({ values }) => {
        keepForFrame(options.channel, values);
      },
      close: () => {
        this.close();
      },
      event: ({ name, detail }) => {
        if (name === "message:sent") this.memory.keep({ returning: true });
        this.events.emit(name, detail);
      },
    });
  }

  mount(): void {
    const { color, returning, open } = this.memory.read();
    this.view.mount(this.options.color ?? color ?? null);
    const reopen = (open ?? this.options.open) && !matchMedia(PHONE).matches;
    if (this.isOpen || reopen) this.show({ focus: false });
    else if (returning) whenIdle(() => this.loadFrame());
  }

  open(): void {
    if (!this.isOpen) this.show({ focus: true });
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.memory.keep({ open: false });
    this.view.hidePanel();
    this.tell("visible", { visible: false });
    this.events.emit("close");
  }

  toggle(): void {
    if (this.isOpen) this.close();
    else this.open();
  }

  identify(identity: HostIdentity): void {
    this.identity = identity;
    this.tell("identify", { identity });
  }

  setAttributes(attributes: Record<string, Scalar>): void {
    this.attributes = { ...this.attributes, ...attributes };
    this.tell("attributes", { attributes });
  }

  /** The frame holds the token, so it must be loaded to forget it. */
  forget(): void {
    this.identity = null;
    this.attributes = {};
    this.memory.keep({ returning: false });
    this.loadFrame();
    this.port.send("forget", {});
  }

  private show({ focus }: { focus: boolean }): void {
    this.isOpen = true;
    if (!this.view.mounted) return; // mount() will show it
    this.loadFrame();
    this.memory.keep({ open: true });
    this.view.showPanel(focus);
    this.tell("visible", { visible: true });
    this.events.emit("open");
  }

  private loadFrame(): void {
    if (this.view.hasFrame || !this.view.mounted) return;
    const { base, channel, language, theme } = this.options;
    const hash = embedHash({ origin: location.origin, language, theme });
    const frame = this.view.addFrame(`${base}/widget/${encodeURIComponent(channel)}${hash}`);
    connectToFrame(frame, base, this.port, () => {
      this.connect();
    });
    this.expectHello(CONNECT_WITHIN_MS);
    frame.addEventListener("load", () => {
      this.expectHello(HELLO_WITHIN_MS);
    });
  }

  private expectHello(within: number): void {
    setTimeout(() => {
      if (!this.connected && !this.gaveUp) this.failed();
    }, within);
  }

  /** A new frame, or the same one reloaded: it knows nothing yet. */
  private connect(): void {
    this.connected = true;
    this.view.revealFrame();
    const values = keptForFrame(this.options.channel);
    if (Object.keys(values).length) this.port.send("kept", { values });
    if (this.identity) this.port.send("identify", { identity: this.identity });
    if (Object.keys(this.attributes).length) this.port.send("attributes", { attributes: this.attributes });
    this.port.send("visible", { visible: this.isOpen });
  }

  private ready({ title, color }: FrameMessages["ready"]): void {
    if (color) {
      this.memory.keep({ color });
      if (!this.options.color) this.view.paint(color);
    }
    this.events.emit("ready", { title });
  }

  /** The browser tells nobody why a frame stays empty, so the customer hears that it does, and the site's people what to do. */
  private failed(): void {
    const { base, channel } = this.options;
    this.gaveUp = true;
    this.view.showFailure();
    console.warn(
      `Kefu: the chat did not load on this page. Is ${location.origin} among the channel's allowed origins? Add it at ` +
        `${base}/console/channels/${encodeURIComponent(channel)}. If it is: does this page's Content-Security-Policy ` +
        `have ${base} in frame-src, and does ${base} answer?`,
    );
    this.events.emit("error", { code: "frame_blocked" });
  }

  private tell<K extends keyof HostMessages>(type: K, data: HostMessages[K]): void {
    if (this.connected) this.port.send(type, data);
  }
}

function whenIdle(action: () => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(action, { timeout: 3000 });
  else setTimeout(action, 1500);
}
