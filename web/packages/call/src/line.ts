import { ref, shallowRef } from "vue";
import { soundOf, toldOf, type Call, type Tell, type Told } from "./frames";
import { Microphone } from "./microphone";
import { Player } from "./player";

/** connecting · on: see `call` · broken: the connection is away and comes back · over: see `ending`. */
export type LineState = "connecting" | "on" | "broken" | "over";

export interface CallOptions {
  /** `wss://host/v1/calls` beside an http(s) origin. */
  origin: string;
  /** Who calls or answers, and which call: asked for at each connection, since a ticket opens one only. */
  hello: (call: string | null) => Promise<Record<string, string>>;
  WebSocket?: typeof WebSocket;
}

/** The server waits as long for somebody whose connection broke. */
const BACK_WITHIN_MS = 25_000;
const RETRY_MS = [300, 1_000, 2_000, 4_000];
/** A member answers while the customer's own connection is away. */
const COMES_BACK = new Set(["unavailable"]);
const CLOSE_WITHIN_MS = 5_000;
const LEVEL_EVERY_MS = 100;

/** One end of a call: the microphone, the loudspeaker, and the socket between them and the server. */
export class CallLine {
  readonly state = ref<LineState>("connecting");
  readonly call = shallowRef<Call | null>(null);
  /** Why it is over: hung_up, limit, lost, microphone, or the server's word for refusing. */
  readonly ending = ref("");
  readonly muted = ref(false);
  /** How loud this side is, from 0 to 1. */
  readonly level = ref(0);
  /** What was last understood of this side, and what is being said to it. */
  readonly heard = ref("");
  readonly caption = ref("");
  /** Whether an answer is being played, and whether this side is speaking. */
  readonly playing = ref(false);
  readonly speaking = ref(false);
  private readonly context = new AudioContext();
  private readonly microphone = new Microphone(this.context, (frame) => {
    this.send(frame);
  });
  private readonly player = new Player(this.context, (sentence, begun) => {
    this.tell({ type: "played", sentence, begun });
    if (begun) this.caption.value = this.captions.get(sentence) ?? "";
    else this.captions.delete(sentence);
  });
  private readonly captions = new Map<number, string>();
  private socket: WebSocket | null = null;
  private brokenAt = 0;
  private tries = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private levelTimer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly options: CallOptions) {}

  /** Pieces of sound that were played to their end. */
  get played(): number {
    return this.player.played;
  }

  /** From within a click: browsers let nothing sound before one. */
  async start(): Promise<void> {
    const awake = this.context.resume();
    try {
      await this.microphone.start();
      await awake;
    } catch {
      this.end("microphone");
      return;
    }
    this.levelTimer = setInterval(() => {
      this.level.value = this.muted.value ? 0 : this.microphone.level;
      this.playing.value = this.player.sounds;
    }, LEVEL_EVERY_MS);
    await this.connect();
  }

  mute(muted: boolean): void {
    this.muted.value = muted;
    this.microphone.mute(muted);
  }

  /** Asks for a person. */
  handOver(): void {
    this.tell({ type: "hand_over" });
  }

  hangUp(): void {
    this.tell({ type: "hang_up" });
    const { socket } = this;
    this.socket = null; // the server closes it, once it has understood
    setTimeout(() => socket?.close(), CLOSE_WITHIN_MS);
    this.end("hung_up");
  }

  /** The page goes: the server waits a while for it to come back. */
  leave(): void {
    this.end("left");
  }

  private async connect(): Promise<void> {
    const { origin, hello } = this.options;
    let who: Record<string, string>;
    try {
      who = await hello(this.call.value?.id ?? null);
    } catch {
      this.retry();
      return;
    }
    if (this.state.value === "over") return;
    const socket = new (this.options.WebSocket ?? WebSocket)(`${origin.replace(/^http/, "ws")}/v1/calls`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "hello", ...who }));
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (socket !== this.socket) return;
      if (typeof data === "string") this.told(toldOf(data));
      else this.sounded(data);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.retry();
    };
  }

  private sounded(data: ArrayBuffer): void {
    const frame = soundOf(data);
    if (frame) this.player.play(frame);
  }

  private told(frame: Told | null): void {
    switch (frame?.type) {
      case "ready":
        this.tries = this.brokenAt = 0;
        this.player.stop();
        this.state.value = "on";
        this.call.value = frame.call;
        break;
      case "call.updated":
      case "ended":
        this.call.value = frame.call;
        if (frame.call.state === "ended") this.end(endingOf(frame.call));
        break;
      case "utterance.began":
        this.speaking.value = true;
        break;
      case "utterance.partial":
      case "utterance.final":
        this.heard.value = frame.text;
        this.speaking.value = frame.type === "utterance.partial";
        break;
      case "utterance.nothing":
      case "utterance.failed":
        this.speaking.value = false;
        break;
      case "reply.sentence":
        this.captions.set(frame.sentence, frame.text);
        break;
      case "reply.spoken":
        this.player.complete(frame.sentence);
        break;
      case "interrupt":
        this.player.stop();
        this.captions.clear();
        break;
      case "refused":
        this.refused(frame.code);
        break;
      case "pong":
      case "reply.unheard": // for members, who read it with the message
      case undefined:
        break;
    }
  }

  private refused(code: string): void {
    if (!COMES_BACK.has(code)) this.end(this.call.value && code === "conflict" ? "lost" : code);
  }

  private retry(): void {
    if (this.state.value === "over") return;
    this.socket = null;
    this.player.stop();
    this.brokenAt ||= performance.now();
    if (performance.now() - this.brokenAt > BACK_WITHIN_MS) {
      this.end("lost");
      return;
    }
    if (this.state.value === "on") this.state.value = "broken";
    clearTimeout(this.retryTimer);
    const pause = RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)];
    this.retryTimer = setTimeout(() => void this.connect(), pause);
  }

  private end(why: string): void {
    if (this.state.value === "over") return;
    this.ending.value = why;
    this.state.value = "over";
    clearTimeout(this.retryTimer);
    clearInterval(this.levelTimer);
    this.microphone.stop();
    this.player.stop();
    this.playing.value = this.speaking.value = false;
    const { socket } = this;
    this.socket = null;
    socket?.close();
    void this.context.close();
  }

  private tell(frame: Tell): void {
    this.send(JSON.stringify(frame));
  }

  private send(data: string | ArrayBuffer): void {
    const { socket } = this;
    if (this.state.value === "on" && socket?.readyState === WebSocket.OPEN) socket.send(data);
  }
}

const endingOf = ({ ended_by: by }: Call): string => (by === "limit" || by === "lost" ? by : "hung_up");
