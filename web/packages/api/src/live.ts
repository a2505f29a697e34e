import { backoffDelay } from "./backoff";
import type { LiveEvent } from "./types";

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

export interface LiveOptions {
  url: string;
  token: () => string | null;
  onEvent: (event: LiveEvent) => void;
  onState: (state: LiveState) => void;
  /** The server does not know the token: get another before the next try. */
  onBadToken: () => Promise<void>;
  WebSocket?: typeof WebSocket;
}

/** `wss://host/v1/live` beside an http(s) origin. */
export const liveUrl = (origin: string): string => `${origin.replace(/^http/, "ws")}/v1/live`;

/**
 * One socket that is kept: says hello, resumes after the last event heard, pings, and comes back after a cut.
 *
 * Events that happened while it was away may be lost, so whoever listens asks for missed messages at each "ready".
 */
export class LiveSocket {
  state: LiveState = "idle";
  private socket: WebSocket | null = null;
  private after: number | null = null;
  private attempt = 0;
  private retryTimer: Timer;
  private watchTimer: Timer;

  constructor(private readonly options: LiveOptions) {}

  start(): void {
    if (this.state !== "idle") return;
    window.addEventListener("online", this.retryNow);
    window.addEventListener("offline", this.goOffline);
    document.addEventListener("visibilitychange", this.retryIfVisible);
    this.connect();
  }

  stop(): void {
    window.removeEventListener("online", this.retryNow);
    window.removeEventListener("offline", this.goOffline);
    document.removeEventListener("visibilitychange", this.retryIfVisible);
    clearTimeout(this.retryTimer);
    this.drop();
    this.setState("idle");
  }

  send(frame: { type: "typing"; conversation: string } | { type: "ping" }): void {
    if (this.state === "ready") this.socket?.send(JSON.stringify(frame));
  }

  /** Connects at once if it was waiting to. */
  readonly retryNow = (): void => {
    if (this.state !== "waiting" && this.state !== "offline") return;
    this.attempt = 0;
    this.connect();
  };

  private readonly retryIfVisible = (): void => {
    if (document.visibilityState === "visible" && this.state === "waiting") this.retryNow();
  };

  private readonly goOffline = (): void => {
    if (this.state === "idle") return;
    clearTimeout(this.retryTimer);
    this.drop(); // the system may take minutes to notice that the socket is dead
    this.setState("offline");
  };

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.drop();
    if (!navigator.onLine) return this.setState("offline");
    this.setState("connecting");
    const socket = new (this.options.WebSocket ?? WebSocket)(this.options.url);
    this.socket = socket;
    this.watch(READY_WITHIN_MS);
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "hello", token: this.options.token(), after: this.after }));
    };
    socket.onmessage = ({ data }) => {
      this.receive(String(data));
    };
    socket.onclose = ({ code }) => void this.closed(code);
  }

  private receive(data: string): void {
    const frame = parseFrame(data);
    if (!frame) return;
    this.pingLater();
    if ("event" in frame && typeof frame.event === "number") this.after = Math.max(this.after ?? 0, frame.event);
    if (frame.type === "ready") {
      this.attempt = 0;
      this.setState("ready");
    } else if (frame.type !== "pong") {
      this.options.onEvent(frame);
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
    if (!navigator.onLine) return this.setState("offline");
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
type Frame = LiveEvent | { type: "ready"; event: number } | { type: "pong" };

const FRAME_TYPES: ReadonlySet<string> = new Set<Frame["type"]>([
  "ready",
  "pong",
  "message.created",
  "reply.delta",
  "reply.completed",
  "conversation.updated",
  "typing",
]);

/** A frame of a kind we know; a newer server may send others, which are passed over. */
function parseFrame(data: string): Frame | null {
  try {
    const frame = JSON.parse(data) as Frame;
    return FRAME_TYPES.has(frame.type) ? frame : null;
  } catch {
    return null;
  }
}
