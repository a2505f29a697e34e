import { backoffDelay } from "./backoff.js";
import { Cell, call, type Readable } from "./cell.js";
import type { Client } from "./client.js";
import { ApiError, NetworkError, isRetryable } from "./errors.js";
import { newKey } from "./key.js";
import { LiveSocket, liveUrl, type LiveState } from "./live.js";
import { Outbox, type Outgoing } from "./outbox.js";
import { Session } from "./session.js";
import { storeHere, type Store } from "./store.js";
import { surroundingsHere, type Surroundings } from "./surroundings.js";
import { Thread } from "./thread.js";
import type {
  Attachment,
  Attributes,
  Channel,
  Conversation,
  ConversationStatus,
  FeedbackValue,
  Identity,
  LiveEvent,
  Message,
  Survey,
  Visitor,
} from "./types.js";
import type { Sendable, SendFile, Upload } from "./upload.js";

/** idle: not started · starting · form: asks first who you are · ready · failed: see `failure`. */
export type Phase = "idle" | "starting" | "form" | "ready" | "failed";

export interface ChatOptions {
  /** Origin of the Kefu server, without a slash at the end; "" for the page's own. */
  server: string;
  /** The channel's id, from the console. */
  channel: string;
  /** A customer whom your own server vouches for: `hash` is hex HMAC-SHA256 of `id` with the channel's secret. */
  identity?: Identity;
  /** What members see beside the conversation. */
  attributes?: Attributes;
  /** Where the visitor's token and unsent messages are kept; a browser's localStorage, else memory. */
  store?: Store;
  /** Stop at phase "form" for a stranger where the channel wants to know first who writes; `introduce` goes on. */
  asksFirst?: boolean;
  fetch?: typeof fetch;
  WebSocket?: typeof WebSocket;
  sendFile?: SendFile;
  surroundings?: Surroundings;
}

export interface SendOptions {
  /** Uploaded first, then named by the message. */
  files?: readonly Sendable[];
  /** Files that the server has already. */
  attachments?: readonly Attachment[];
  /** Value of the button that was pressed: the choice is taken exactly, whatever its label. */
  pressed?: string;
}

export interface ChatEvents {
  /** The server has a message of the customer's. */
  sent: Message;
  /** Somebody else wrote: the assistant, a member, the system. */
  received: Message;
  /** A piece of an answer as it is made; `drafts` holds what has come of each. */
  piece: { turn: string; text: string };
  status: { id: string; status: ConversationStatus };
  error: { code: string };
}

type Listeners = { [Name in keyof ChatEvents]: Set<(detail: ChatEvents[Name]) => void> };

/** While the socket is away, ask by plain requests this often; some networks let no socket through. */
const POLL_MS = 4_000;
/** The server passes a typing sign on for some seconds; more often would say nothing new. */
const TYPING_EVERY_MS = 3_000;
const ASKED = "asked";

export const createChat = (options: ChatOptions): Chat => new Chat(options);

/** A customer's chat: a session, one thread, an outbox and a live socket, kept in step. */
export class Chat {
  readonly store: Store;
  private readonly surroundings: Surroundings;
  private readonly session: Session;
  private readonly thread: Thread;
  private readonly outbox: Outbox;
  private readonly socket: LiveSocket;
  private readonly cells = {
    phase: new Cell<Phase>("idle"),
    failure: new Cell<{ code: string; retrying: boolean } | null>(null),
    channel: new Cell<Channel | null>(null),
    live: new Cell<LiveState>("idle"),
  };
  private readonly listeners: Listeners = {
    sent: new Set(),
    received: new Set(),
    piece: new Set(),
    status: new Set(),
    error: new Set(),
  };
  readonly phase: Readable<Phase> = this.cells.phase;
  /** Why the start failed, and whether it is tried again by itself. */
  readonly failure: Readable<{ code: string; retrying: boolean } | null> = this.cells.failure;
  readonly channel: Readable<Channel | null> = this.cells.channel;
  readonly live: Readable<LiveState> = this.cells.live;
  readonly conversation: Readable<Conversation | null>;
  /** Everything said, in order, each once. */
  readonly messages: Readable<readonly Message[]>;
  /** Answers that are still streaming in, by turn. */
  readonly drafts: Readable<ReadonlyMap<string, string>>;
  readonly typist: Readable<{ name: string | null } | null>;
  /** What the server has not confirmed yet, in order. */
  readonly outgoing: Readable<readonly Outgoing[]>;
  /** Our own message keeps its place on screen when the server's copy takes over: message id to outbox key. */
  readonly sentAs = new Map<string, string>();
  private readonly received = new Set<string>();
  private contact: string | null = null;
  private beginning: Promise<string> | null = null;
  private held: Message[] = [];
  private fillWanted = false;
  private startAttempt = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private pollTimer: ReturnType<typeof setInterval> | undefined;
  private unwatch: (() => void) | null = null;
  private typingSentAt = 0;
  private toldStatus: string | null = null;

  constructor(private readonly options: ChatOptions) {
    this.store = options.store ?? storeHere(options.channel);
    this.surroundings = options.surroundings ?? surroundingsHere();
    this.session = this.createSession();
    this.thread = new Thread((id, after, limit) =>
      this.session.authorized(() => this.client.messages(id, after, limit)),
    );
    this.outbox = this.createOutbox();
    this.socket = this.createSocket();
    this.conversation = this.thread.conversation;
    this.messages = this.thread.messages;
    this.drafts = this.thread.drafts;
    this.typist = this.thread.typist;
    this.outgoing = this.outbox.entries;
    this.conversation.subscribe(() => {
      this.tellStatus();
    });
  }

  /** Hears what happens; returns how to stop hearing. */
  on<Name extends keyof ChatEvents>(name: Name, heard: (detail: ChatEvents[Name]) => void): () => void {
    this.listeners[name].add(heard);
    return () => this.listeners[name].delete(heard);
  }

  /** Whether an earlier visit left a token, so that there may be something to show. */
  get isReturning(): boolean {
    return this.session.token !== null;
  }

  /** The visitor's bearer token, for what this client does not do itself. */
  get token(): string | null {
    return this.session.token;
  }

  /** Whether an answer of the assistant is on its way. */
  get awaiting(): boolean {
    return this.thread.awaiting;
  }

  /** Shows the conversation so far and hears all that follows. What fails is tried again where that may help. */
  async start(): Promise<void> {
    if (this.phase.value !== "idle" && this.phase.value !== "failed") return;
    clearTimeout(this.retryTimer);
    this.begunWatching();
    this.cells.phase.value = "starting";
    try {
      await this.enter(await this.session.visit());
      this.startAttempt = 0;
    } catch (error) {
      this.failStart(error);
    }
  }

  /** Hears nothing more and asks for nothing; what is written stays in the store. `start` goes on. */
  stop(): void {
    this.socket.stop();
    this.outbox.pause();
    clearTimeout(this.retryTimer);
    clearInterval(this.pollTimer);
    this.unwatch?.();
    this.unwatch = null;
    this.cells.phase.value = "idle";
  }

  /** Sends a text, files, or both: once, in order, however often the connection breaks. */
  async send(text: string, { files = [], attachments = [], pressed }: SendOptions = {}): Promise<void> {
    const uploads = await Promise.all(files.map((file) => this.upload(file)));
    const uploaded = await Promise.all(uploads.map(({ done }) => done));
    this.outbox.add(text, [...attachments, ...uploaded], pressed ?? null);
    if (this.phase.value === "ready") await this.outbox.flush(); // else the start sends it
  }

  /** Begins to send a file to be named by a message. */
  async upload(file: Sendable, onProgress: (share: number) => void = () => undefined): Promise<Upload<Attachment>> {
    const id = await this.conversationId(newKey());
    let current: Upload<Attachment> | null = null;
    const done = this.session.authorized(() => {
      current = this.client.upload(id, file, onProgress);
      return current.done;
    });
    return { done, cancel: () => current?.cancel() };
  }

  /** The conversation to call in, for whoever holds a call; begun where there is none yet. */
  callIn(): Promise<string> {
    return this.conversationId(newKey());
  }

  /** Tries again what the server refused. */
  retry(key: string): Promise<void> {
    return this.outbox.retry(key);
  }

  /** Gives up a message that was not sent. */
  discard(key: string): void {
    this.outbox.discard(key);
  }

  /** A file's bytes: an address alone carries no token. */
  download({ id }: Attachment): Promise<Blob> {
    const conversation = this.conversation.value?.id ?? "";
    return this.session.authorized(() => this.client.download(conversation, id));
  }

  /** A message read aloud, as a whole. */
  async speech(message: Message): Promise<Blob> {
    const response = await this.speechResponse(message);
    try {
      return await response.blob();
    } catch (cause) {
      throw new NetworkError("The answer was cut off", { cause });
    }
  }

  /** A message read aloud: its body begins while the rest is still spoken. */
  speechResponse({ conversation, id }: Message): Promise<Response> {
    return this.session.authorized(() => this.client.speech(conversation, id));
  }

  /** Asks for a person. Like the other wishes below, rejects with ApiError or NetworkError. */
  async handOver(): Promise<void> {
    const id = await this.conversationId(newKey());
    this.thread.update(await this.session.authorized(() => this.client.handOver(id)));
    await this.fill();
  }

  /** Would rather ask the assistant again than wait for a person; a conflict once a member has the conversation. */
  async askAssistant(): Promise<void> {
    const id = this.conversation.value?.id;
    if (!id) return;
    this.thread.update(await this.session.authorized(() => this.client.askAssistant(id)));
    await this.fill();
  }

  /** Says that it is solved; a later message opens the conversation again. */
  async resolve(): Promise<void> {
    const id = this.conversation.value?.id;
    if (id) this.thread.update(await this.session.authorized(() => this.client.resolve(id)));
  }

  /** Nobody came: leaves an address to be written to. */
  async leaveAddress(email: string): Promise<void> {
    const id = this.conversation.value?.id;
    if (id) this.thread.update(await this.session.authorized(() => this.client.leaveAddress(id, email)));
  }

  /** Whether the customer is asked how satisfied they are, and what they answered; null without a conversation. */
  async survey(): Promise<Survey | null> {
    const id = this.conversation.value?.id;
    return id ? this.session.authorized(() => this.client.survey(id)) : null;
  }

  /** One to five stars for the conversation, once; a comment may follow with the same stars. */
  async rateConversation(score: number, comment?: string): Promise<Survey | null> {
    const id = this.conversation.value?.id;
    return id ? this.session.authorized(() => this.client.rateConversation(id, score, comment)) : null;
  }

  /** Thumbs up or down on an answer; the last one counts. */
  async rate(message: Message, value: FeedbackValue, comment?: string): Promise<void> {
    await this.session.authorized(() => this.client.feedback(message.conversation, message.id, value, comment));
    this.thread.add({ ...message, thumb: value });
  }

  /** Answers of the form before the chat. */
  async introduce(attributes: Attributes): Promise<void> {
    this.session.addAttributes(attributes);
    const visitor = await this.session.visit();
    this.store.set(ASKED, "1");
    await this.enter(visitor);
  }

  identify(identity: Identity): void {
    this.session.identify(identity);
    void this.reintroduce();
  }

  setAttributes(attributes: Attributes): void {
    this.session.addAttributes(attributes);
    void this.reintroduce();
  }

  /** Forgets the customer on this device, as when they log out; `start` begins as a stranger. */
  forget(): void {
    this.stop();
    this.outbox.stop();
    this.session.forget();
    this.thread.follow(null);
    this.held = [];
  }

  /** The customer is writing; members see it. */
  typing(): void {
    const id = this.conversation.value?.id;
    if (!id || Date.now() - this.typingSentAt < TYPING_EVERY_MS) return;
    this.typingSentAt = Date.now();
    this.socket.send({ type: "typing", conversation: id });
  }

  private get client(): Client {
    return this.session.client;
  }

  private createSession(): Session {
    const { server, channel, identity, attributes, fetch: fetcher, sendFile } = this.options;
    const session = new Session(channel, this.store, {
      base: server,
      onIdentityRefused: (code) => {
        this.tell("error", { code });
      },
      ...(fetcher ? { fetch: fetcher } : {}),
      ...(sendFile ? { sendFile } : {}),
    });
    if (identity) session.identify(identity);
    if (attributes) session.addAttributes(attributes);
    return session;
  }

  private createOutbox(): Outbox {
    return new Outbox(this.store, {
      deliver: (entry) => this.deliver(entry),
      onDelivered: (key, message) => {
        this.delivered(key, message);
      },
      onSettled: () => {
        this.settle();
      },
      newest: () => this.thread.newest,
    });
  }

  private createSocket(): LiveSocket {
    const { server, WebSocket: Socket } = this.options;
    return new LiveSocket({
      url: liveUrl(server || location.origin),
      token: () => this.session.token,
      onEvent: (event) => {
        this.receive(event);
      },
      onState: (state) => void this.liveChanged(state),
      onBadToken: () => this.renew(),
      surroundings: this.surroundings,
      ...(Socket ? { WebSocket: Socket } : {}),
    });
  }

  private begunWatching(): void {
    if (this.unwatch) return;
    this.unwatch = this.surroundings.watch(() => {
      if (this.surroundings.isOnline()) void this.retryStart();
    });
    this.pollTimer = setInterval(() => void this.poll(), POLL_MS);
  }

  private async enter(visitor: Visitor): Promise<void> {
    this.cells.channel.value = visitor.channel;
    this.contact = visitor.contact;
    this.thread.follow(visitor.conversation);
    if (this.mustAsk(visitor)) {
      this.cells.phase.value = "form";
      return;
    }
    if (visitor.conversation) {
      await this.outbox.flush(); // first, so that what was stored before is not shown a second time
      await this.thread.fill();
    } else {
      void this.outbox.flush();
    }
    if (!this.unwatch) return; // stopped meanwhile
    this.cells.phase.value = "ready";
    this.socket.start();
  }

  private mustAsk({ channel, conversation }: Visitor): boolean {
    if (!this.options.asksFirst || conversation !== null) return false;
    return (channel.settings.pre_chat?.fields.length ?? 0) > 0 && this.store.get(ASKED) === null;
  }

  private failStart(error: unknown): void {
    const retrying = isRetryable(error);
    const code = error instanceof ApiError ? error.code : error instanceof NetworkError ? "network" : "unknown";
    this.cells.failure.value = { code, retrying };
    this.cells.phase.value = "failed";
    this.tell("error", { code });
    if (!retrying) return;
    const told = error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
    this.retryTimer = setTimeout(() => void this.retryStart(), Math.max(told, backoffDelay(this.startAttempt++)));
  }

  private async retryStart(): Promise<void> {
    if (this.phase.value === "failed" && this.failure.value?.retrying) await this.start();
  }

  /** Tells a running session what the app said about the customer; before the start, the first visit carries it. */
  private async reintroduce(): Promise<void> {
    if (this.phase.value !== "ready") return;
    try {
      const visitor = await this.session.visit();
      if (visitor.contact === this.contact) return;
      this.socket.stop(); // it speaks for who they were
      await this.enter(visitor);
    } catch (error) {
      this.tell("error", { code: error instanceof ApiError ? error.code : "network" });
    }
  }

  private async renew(): Promise<void> {
    try {
      await this.session.visit();
    } catch {
      return; // the socket goes on trying, and asks again
    }
  }

  private async deliver(entry: Outgoing, mayBeginAgain = true): Promise<Message> {
    const id = await this.conversationId(entry.key);
    try {
      const attachments = entry.attachments.map((each) => each.id);
      const said = { text: entry.text, attachments, ...(entry.pressed === null ? {} : { pressed: entry.pressed }) };
      return (await this.session.authorized(() => this.client.sendMessage(id, said, entry.key))).message;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || !mayBeginAgain) throw error;
      this.thread.follow(null); // erased meanwhile: what they write now begins another
      return this.deliver(entry, false);
    }
  }

  /** The conversation's id; several that want the first one at the same time begin it together. */
  private conversationId(key: string): Promise<string> {
    const present = this.conversation.value;
    if (present) return Promise.resolve(present.id);
    this.beginning ??= this.begin(key).finally(() => {
      this.beginning = null;
    });
    return this.beginning;
  }

  private async begin(key: string): Promise<string> {
    const started = await this.session.authorized(() => this.client.startConversation(key));
    this.adopt(started);
    return this.conversation.value?.id ?? started.id;
  }

  private delivered(key: string, message: Message): void {
    this.sentAs.set(message.id, key);
    if (this.thread.add(message)) this.fillWanted = true;
    this.tell("sent", message);
  }

  private receive(event: LiveEvent): void {
    if (event.type === "conversation.created") this.adopt(event.conversation);
    const theirs = typeof event.conversation === "string" ? event.conversation : event.conversation.id;
    if (theirs !== this.conversation.value?.id) return;
    if (event.type === "message.created" && event.message.author === "contact" && this.outbox.uncertain) {
      this.held.push(event.message); // perhaps the very one whose answer has not come yet
      return;
    }
    const isNew = "message" in event && event.message.sequence > this.thread.newest;
    if (this.thread.receive(event)) void this.quietly(() => this.fill());
    if (event.type === "reply.delta") this.tell("piece", { turn: event.turn, text: event.text });
    if ("message" in event && isNew) this.noticed(event.message);
  }

  /** A conversation begun here, or in another tab while this one was still empty. */
  private adopt(conversation: Conversation): void {
    if (!this.conversation.value) this.thread.follow(conversation);
  }

  /** The socket may tell of a message while it is being asked for: it is received once. */
  private noticed(message: Message): void {
    if (message.author === "contact" || this.received.has(message.id)) return;
    this.received.add(message.id);
    this.tell("received", message);
  }

  private settle(): void {
    for (const message of this.held.splice(0)) {
      if (this.thread.add(message)) this.fillWanted = true;
    }
    if (this.fillWanted) void this.quietly(() => this.fill());
  }

  /** Asks for missed messages, as soon as none of them can be one of our own in flight. */
  private async fill(): Promise<void> {
    this.fillWanted = this.outbox.uncertain;
    if (this.fillWanted) return;
    const before = this.thread.newest;
    await this.thread.fill();
    if (before === 0) return;
    for (const message of this.messages.value) if (message.sequence > before) this.noticed(message);
  }

  private async liveChanged(state: LiveState): Promise<void> {
    const wasReady = this.live.value === "ready";
    this.cells.live.value = state;
    if (wasReady) this.thread.dropDrafts();
    if (state !== "ready") return;
    await this.outbox.flush();
    await this.quietly(() => this.refresh());
  }

  /** Messages and status as they are now. */
  private async refresh(): Promise<void> {
    const id = this.conversation.value?.id;
    if (!id) return;
    await this.fill();
    this.thread.update(await this.session.authorized(() => this.client.conversation(id)));
  }

  /** Runs what nobody waits for. What fails for want of a connection is asked again by the next event or poll. */
  private async quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof ApiError && error.status === 404)
        this.thread.follow(null); // erased meanwhile
      else if (error instanceof ApiError) this.tell("error", { code: error.code });
      else if (!(error instanceof NetworkError)) throw error;
    }
  }

  private async poll(): Promise<void> {
    if (this.phase.value !== "ready" || !this.surroundings.isOnline() || !this.surroundings.isActive()) return;
    if (this.live.value === "ready" && !this.awaiting) return;
    await this.quietly(() => this.refresh());
  }

  private tellStatus(): void {
    const now = this.conversation.value;
    const told = now ? `${now.id} ${now.status}` : null;
    if (told === this.toldStatus) return;
    this.toldStatus = told;
    if (now) this.tell("status", { id: now.id, status: now.status });
  }

  private tell<Name extends keyof ChatEvents>(name: Name, detail: ChatEvents[Name]): void {
    for (const heard of [...this.listeners[name]]) {
      call(() => {
        heard(detail);
      });
    }
  }
}
