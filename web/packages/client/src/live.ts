import { backoffDelay } from "./backoff.js";
import { surroundingsHere, type Surroundings } from "./surroundings.js";
import type { LiveEvent } from "./types.js";

/** A proxy commonly cuts a silent connection after 60 s; half of that leaves room for one lost ping. */
const PING_EVERY_MS = 25_000;
/** No frame for this long after a ping: the connection is dead even if the system has not noticed. */
const PONG_WITHIN_MS = 10_000;
const READY_WITHIN_MS = 10_000;
const CLOSE_BAD_TOKEN = 4401;
const CLOSE_TOO_MANY = 4429;
/** Told "too many": skip the quick first retries. */
const TOO_MANY_ATTEMPT = 5;

/** idle: not started · connecting · ready: hearing everything · waiting: will try again · offline: waits for the network. */
export type LiveState = "idle" | "connecting" | "ready" | "waiting" | "offline";

interface Typed {
  type: string;
}

/** `E` is what the server tells this kind of client: LiveEvent to visitors, more to members. */
export interface LiveOptions<E extends Typed = LiveEvent> {
  url: string;
  /** A visitor's token at the moment of connecting. */
  token?: () => string | null;
  /** A member's one-use ticket, fetched for each connection. */
  ticket?: () => Promise<string>;
  /** Kinds of frame to hear besides a visitor's. */
  kinds?: readonly E["type"][];
  onEvent: (event: E) => void;
  onState: (state: LiveState) => void;
  /** Hears all from now on; the frame may say more, such as who is online. */
  onReady?: (frame: Ready) => void;
  /** The server does not know the token: get another before the next try. */
  onBadToken: () => Promise<void>;
  WebSocket?: typeof WebSocket;
  surroundings?: Surroundings;
}

/** `wss://host/v1/live` beside an http(s) origin. */
export const liveUrl = (origin: string): string => `${origin.replace(/^http/, "ws")}/v1/live`;

/**
 * One socket that is kept: says hello, resumes after the last event heard, pings, and comes back after a cut.
 *
 * Events that happened while it was away may be lost, so whoever listens asks for missed messages at each "ready".
 */
export class LiveSocket<E extends Typed = LiveEvent> {
  state: LiveState = "idle";
  private socket: WebSocket | null = null;
  private after: number | null = null;
  private attempt = 0;
  private retryTimer: Timer;
  private watchTimer: Timer;

  private readonly kinds: ReadonlySet<string>;
  private readonly surroundings: Surroundings;
  private unwatch: (() => void) | null = null;

  constructor(private readonly options: LiveOptions<E>) {
    this.surroundings = options.surroundings ?? surroundingsHere();
    this.kinds = new Set([...FRAME_TYPES, ...(options.kinds ?? [])]);
  }

  start(): void {
    if (this.state !== "idle") return;
    this.unwatch = this.surroundings.watch(this.look);
    this.connect();
  }

  stop(): void {
    this.unwatch?.();
    clearTimeout(this.retryTimer);
    this.drop();
    this.setState("idle");
  }

  send(frame: { type: "typing" | "looking"; conversation: string } | { type: "ping" }): void {
    if (this.state === "ready") this.socket?.send(JSON.stringify(frame));
  }

  /** Connects at once if it was waiting to. */
  readonly retryNow = (): void => {
    if (this.state !== "waiting" && this.state !== "offline") return;
    this.attempt = 0;
    this.connect();
  };

  /** The network came or went, or somebody looks again. */
  private readonly look = (): void => {
    if (!this.surroundings.isOnline()) this.goOffline();
    else if (this.state === "offline" || this.surroundings.isActive()) this.retryNow();
  };

  private goOffline(): void {
    if (this.state === "idle") return;
    clearTimeout(this.retryTimer);
    this.drop(); // the system may take minutes to notice that the socket is dead
    this.setState("offline");
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.drop();
    if (!this.surroundings.isOnline()) return this.setState("offline");
    const Socket = this.options.WebSocket ?? (globalThis.WebSocket as typeof WebSocket | undefined);
    if (!Socket) return this.setState("waiting"); // old Node without one: whoever listens asks by plain requests
    this.setState("connecting");
    const socket = new Socket(this.options.url);
    this.socket = socket;
    this.watch(READY_WITHIN_MS);
    socket.onopen = () => void this.greet(socket);
    socket.onmessage = ({ data }) => {
      this.receive(String(data));
    };
    socket.onclose = ({ code }) => void this.closed(code);
  }

  private async greet(socket: WebSocket): Promise<void> {
    const { ticket, token } = this.options;
    try {
      const who = ticket ? { ticket: await ticket() } : { token: token?.() ?? null };
      if (socket === this.socket) socket.send(JSON.stringify({ type: "hello", ...who, after: this.after }));
    } catch {
      if (socket === this.socket) void this.closed(0); // no ticket now: as if the server were away
    }
  }

  private receive(data: string): void {
    const frame = parseFrame(data, this.kinds);
    if (!frame) return;
    this.pingLater();
    if ("event" in frame && typeof frame.event === "number") this.after = Math.max(this.after ?? 0, frame.event);
    if (isReady(frame)) {
      this.attempt = 0;
      this.setState("ready");
      this.options.onReady?.(frame);
    } else if (frame.type !== "pong") {
      this.options.onEvent(frame as E); // its kind is one of ours; its shape is the server's contract
    }
  }

  private pingLater(): void {
    clearTimeout(this.watchTimer);
    this.watchTimer = setTimeout(() => {
      this.send({ type: "ping" });
      this.watch(PONG_WITHIN_MS);
    }, PING_EVERY_MS);
  }

  /** Gives the server this long to say anything. */
  private watch(milliseconds: number): void {
    clearTimeout(this.watchTimer);
    this.watchTimer = setTimeout(() => {
      this.drop();
      this.retryLater();
    }, milliseconds);
  }

  private async closed(code: number): Promise<void> {
    this.drop();
    if (code === CLOSE_TOO_MANY) this.attempt = Math.max(this.attempt, TOO_MANY_ATTEMPT);
    this.retryLater();
    if (code === CLOSE_BAD_TOKEN) await this.options.onBadToken();
  }

  private retryLater(): void {
    if (!this.surroundings.isOnline()) return this.setState("offline");
    this.setState("waiting");
    this.retryTimer = setTimeout(() => {
      this.connect();
    }, backoffDelay(this.attempt++));
  }

  private drop(): void {
    clearTimeout(this.watchTimer);
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private setState(state: LiveState): void {
    if (this.state === state) return;
    this.state = state;
    this.options.onState(state);
  }
}

type Timer = ReturnType<typeof setTimeout> | undefined;
/** The server's answer to "hello". */
export interface Ready {
  type: "ready";
  event: number;
  online?: { id: string; name: string }[];
}

const isReady = (frame: Typed): frame is Ready => frame.type === "ready";

const FRAME_TYPES: ReadonlySet<string> = new Set<LiveEvent["type"] | "ready" | "pong">([
  "ready",
  "pong",
  "message.created",
  "message.updated",
  "reply.delta",
  "reply.completed",
  "conversation.created",
  "conversation.updated",
  "typing",
]);

/** A frame of a kind we know; a newer server may send others, which are passed over. */
function parseFrame(data: string, kinds: ReadonlySet<string>): Typed | null {
  try {
    const frame = JSON.parse(data) as Typed;
    return kinds.has(frame.type) ? frame : null;
  } catch {
    return null;
  }
}
