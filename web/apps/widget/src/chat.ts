import {
  ApiError,
  LiveSocket,
  NetworkError,
  backoffDelay,
  isRetryable,
  liveUrl,
  newKey,
  type sendFile,
  type Attachment,
  type Attributes,
  type Channel,
  type Conversation,
  type FeedbackValue,
  type Identity,
  type LiveEvent,
  type LiveState,
  type Message,
  type PreChatField,
  type Upload,
  type Visitor,
} from "@kefu/client";
import { Files, canRecord } from "@kefu/ui";
import { computed, ref, shallowRef, watch } from "vue";
import { Attention } from "./attention";
import { Outbox } from "./outbox";
import { Session } from "./session";
import { Drawer } from "./storage";
import { Thread } from "./thread";

/** idle: nobody looked yet · starting · form: asks first who you are · ready · failed: see `failure`. */
export type Phase = "idle" | "starting" | "form" | "ready" | "failed";

/** What the page around the frame may hear of (never the words themselves). */
export type ChatSignal =
  | { name: "message:sent"; detail: { id: string } }
  | { name: "message:received"; detail: { id: string; author: string } }
  | { name: "conversation:status"; detail: { id: string; status: string } }
  | { name: "feedback"; detail: { value: string } }
  | { name: "error"; detail: { code: string } };

export interface ChatOptions {
  channel: string;
  origin: string;
  onSignal?: (signal: ChatSignal) => void;
  /** What the browser forbids to store, to be kept elsewhere and given back by `remember`. */
  onForbidden?: (values: Record<string, string>) => void;
  fetch?: typeof fetch;
  WebSocket?: typeof WebSocket;
  sendFile?: typeof sendFile;
}

/** While the socket is away, ask by plain requests this often; some networks let no socket through. */
const POLL_MS = 4_000;
/** The server passes a typing sign on for some seconds; more often would say nothing new. */
const TYPING_EVERY_MS = 3_000;
const MISHAP_MS = 6_000;
const ASKED = "asked";

/** The customer's chat: a session, one thread, an outbox and a live socket, kept in step. */
export class Chat {
  readonly phase = ref<Phase>("idle");
  readonly failure = shallowRef<{ code: string; retrying: boolean } | null>(null);
  readonly channel = shallowRef<Channel | null>(null);
  readonly live = ref<LiveState>("idle");
  readonly thread: Thread;
  readonly outbox: Outbox;
  readonly files: Files;
  readonly attention: Attention;
  readonly status = computed(() => this.thread.conversation.value?.status ?? null);
  /** What the customer just asked for did not work; true for some seconds. */
  readonly mishap = ref(false);
  /** The newest message that came from somebody else, for screen readers. */
  readonly arrived = shallowRef<Message | null>(null);
  private readonly drawer: Drawer;
  private readonly session: Session;
  private readonly socket: LiveSocket;
  private contact: string | null = null;
  private beginning: Promise<string> | null = null;
  /** Files by id, as this browser shows them. */
  private readonly shown = new Map<string, Promise<string>>();
  private held: Message[] = [];
  private fillWanted = false;
  private startAttempt = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private typingSentAt = 0;
  private mishapTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: ChatOptions) {
    this.drawer = new Drawer(options.channel);
    this.drawer.onForbidden = options.onForbidden ?? null;
    this.session = new Session(options.channel, this.drawer, {
      onIdentityRefused: (code) => {
        this.signal({ name: "error", detail: { code } });
      },
      ...(options.fetch ? { fetch: options.fetch } : {}),
      ...(options.sendFile ? { sendFile: options.sendFile } : {}),
    });
    this.thread = new Thread((id, after, limit) =>
      this.session.authorized(() => this.session.client.messages(id, after, limit)),
    );
    this.outbox = new Outbox(this.drawer, {
      deliver: (text, attachments, key) => this.deliver(text, attachments, key),
      onDelivered: (key, message) => {
        this.delivered(key, message);
      },
      onSettled: () => {
        this.settle();
      },
      newest: () => this.thread.newest,
    });
    this.files = new Files({
      limits: () => this.channel.value?.attachments ?? { per_message: 0, bytes: 0 },
      upload: (file, onProgress) => this.upload(file, onProgress),
      onPreview: (id, address) => this.shown.set(id, Promise.resolve(address)),
    });
    this.attention = new Attention(this.drawer, this.thread.messages, this.channel);
    this.socket = new LiveSocket({
      url: liveUrl(options.origin),
      token: () => this.session.token,
      onEvent: (event) => {
        this.receive(event);
      },
      onState: (state) => void this.liveChanged(state),
      onBadToken: () => this.renew(),
      ...(options.WebSocket ? { WebSocket: options.WebSocket } : {}),
    });
    watch(this.status, (status) => {
      const id = this.thread.conversation.value?.id;
      if (id && status) this.signal({ name: "conversation:status", detail: { id, status } });
    });
    window.addEventListener("online", () => void this.retryStart());
    setInterval(() => void this.poll(), POLL_MS);
  }

  /** Whether an earlier visit left a token, so that there may be something to show. */
  get isReturning(): boolean {
    return this.session.token !== null;
  }

  /** Takes back what was kept elsewhere, before the start. */
  remember(values: Record<string, string>): void {
    if (this.phase.value !== "idle") return;
    this.drawer.adopt(values);
    this.attention.readChoices();
  }

  async start(): Promise<void> {
    if (this.phase.value !== "idle" && this.phase.value !== "failed") return;
    clearTimeout(this.retryTimer);
    this.phase.value = "starting";
    try {
      await this.enter(await this.session.visit());
      this.startAttempt = 0;
    } catch (error) {
      this.failStart(error);
    }
  }

  async send(text: string): Promise<void> {
    this.outbox.add(text, this.files.take());
    if (this.phase.value === "ready") await this.outbox.flush(); // else the start sends it
  }

  /** Whether voice messages can be recorded here and understood there. */
  get canSpeak(): boolean {
    return (this.channel.value?.voice.seconds ?? 0) > 0 && canRecord();
  }

  /** In seconds. */
  get longestRecording(): number {
    return this.channel.value?.voice.seconds ?? 0;
  }

  /** Sends a recording by itself, as soon as it is up. */
  async sendVoice(recording: File): Promise<void> {
    await this.attempt(async () => {
      const { done } = await this.upload(recording, () => undefined);
      const attachment = await done;
      this.shown.set(attachment.id, Promise.resolve(URL.createObjectURL(recording)));
      this.outbox.add("", [attachment]);
      await this.outbox.flush();
    });
  }

  /** Where this browser plays a message's sound from. */
  readonly speech = (message: Message): Promise<string> => {
    const known = this.shown.get(message.id);
    if (known) return known;
    const { client } = this.session;
    const fetched = this.session
      .authorized(() => client.speech(message.conversation, message.id))
      .then((bytes) => URL.createObjectURL(bytes));
    this.shown.set(message.id, fetched);
    fetched.catch(() => this.shown.delete(message.id));
    return fetched;
  };

  /** Whether a message answers one that was spoken, and is to be heard as well. */
  isSpokenTo(message: Message): boolean {
    if (!this.channel.value?.voice.seconds || message.author !== "assistant") return false;
    const before = this.thread.messages.value.filter(({ sequence }) => sequence < message.sequence);
    const asked = before.reverse().find(({ author }) => author === "contact");
    return asked?.attachments.some(({ kind }) => kind === "audio") ?? false;
  }

  /** Where this browser shows a file from: fetched once, since an address alone carries no token. */
  readonly address = ({ id }: Attachment): Promise<string> => {
    const known = this.shown.get(id);
    if (known) return known;
    const fetched = this.fetchFile(id);
    this.shown.set(id, fetched);
    fetched.catch(() => this.shown.delete(id)); // asked again the next time it is wanted
    return fetched;
  };

  /** Asks for a person. Like the other wishes below, resolves to whether it worked. */
  handOver(): Promise<boolean> {
    return this.attempt(async () => {
      const id = await this.conversationId(newKey());
      this.thread.update(await this.session.authorized(() => this.session.client.handOver(id)));
      await this.fill();
    });
  }

  resolve(): Promise<boolean> {
    return this.attempt(async () => {
      const id = this.thread.conversation.value?.id;
      if (id) this.thread.update(await this.session.authorized(() => this.session.client.resolve(id)));
    });
  }

  leaveAddress(email: string): Promise<boolean> {
    return this.attempt(async () => {
      const id = this.thread.conversation.value?.id;
      if (id) this.thread.update(await this.session.authorized(() => this.session.client.leaveAddress(id, email)));
    });
  }

  rate(message: Message, value: FeedbackValue, comment?: string): Promise<boolean> {
    return this.attempt(async () => {
      const { client } = this.session;
      await this.session.authorized(() => client.feedback(message.conversation, message.id, value, comment));
      this.thread.add({ ...message, thumb: value });
      this.signal({ name: "feedback", detail: { value } });
    });
  }

  /** Answers of the form before the chat. */
  async introduce(attributes: Attributes): Promise<void> {
    this.session.addAttributes(attributes);
    const visitor = await this.session.visit();
    this.drawer.set(ASKED, "1");
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

  /** Forgets the customer on this device and begins as a stranger. */
  forget(): void {
    this.socket.stop();
    this.outbox.stop();
    this.files.clear();
    this.session.forget();
    this.thread.follow(null);
    this.held = [];
    this.phase.value = "idle";
    if (this.attention.panelVisible.value) void this.start();
  }

  /** The customer is writing; members see it. */
  typing(): void {
    const id = this.thread.conversation.value?.id;
    if (!id || Date.now() - this.typingSentAt < TYPING_EVERY_MS) return;
    this.typingSentAt = Date.now();
    this.socket.send({ type: "typing", conversation: id });
  }

  private async attempt(wish: () => Promise<void>): Promise<boolean> {
    clearTimeout(this.mishapTimer);
    this.mishap.value = false;
    try {
      await wish();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof NetworkError)) throw error;
      this.mishap.value = true;
      this.mishapTimer = setTimeout(() => (this.mishap.value = false), MISHAP_MS);
      return false;
    }
  }

  private async enter(visitor: Visitor): Promise<void> {
    this.channel.value = visitor.channel;
    this.contact = visitor.contact;
    this.thread.follow(visitor.conversation);
    if (this.mustAsk(visitor)) {
      this.phase.value = "form";
      return;
    }
    if (visitor.conversation) {
      this.attention.restore(visitor.conversation.id);
      await this.outbox.flush(); // first, so that what was stored before is not shown a second time
      await this.thread.fill();
    } else {
      void this.outbox.flush();
    }
    this.phase.value = "ready";
    this.socket.start();
  }

  private mustAsk({ channel, conversation }: Visitor): boolean {
    const fields: PreChatField[] = channel.settings.pre_chat?.fields ?? [];
    return fields.length > 0 && conversation === null && this.drawer.get(ASKED) === null;
  }

  private failStart(error: unknown): void {
    const retrying = isRetryable(error);
    const code = error instanceof ApiError ? error.code : error instanceof NetworkError ? "network" : "unknown";
    this.failure.value = { code, retrying };
    this.phase.value = "failed";
    this.signal({ name: "error", detail: { code } });
    if (!retrying) return;
    const told = error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
    this.retryTimer = setTimeout(() => void this.retryStart(), Math.max(told, backoffDelay(this.startAttempt++)));
  }

  private async retryStart(): Promise<void> {
    if (this.phase.value === "failed" && this.failure.value?.retrying) await this.start();
  }

  /** Tells a running session what the page said about the customer; before the start, the first visit carries it. */
  private async reintroduce(): Promise<void> {
    if (this.phase.value !== "ready") return;
    try {
      const visitor = await this.session.visit();
      if (visitor.contact === this.contact) return;
      this.socket.stop(); // it speaks for who they were
      await this.enter(visitor);
    } catch (error) {
      this.signal({ name: "error", detail: { code: error instanceof ApiError ? error.code : "network" } });
    }
  }

  private async renew(): Promise<void> {
    try {
      await this.session.visit();
    } catch {
      return; // the socket goes on trying, and asks again
    }
  }

  private async upload(file: File, onProgress: (share: number) => void): Promise<Upload<Attachment>> {
    const id = await this.conversationId(newKey());
    let current: Upload<Attachment> | null = null;
    const done = this.session.authorized(() => {
      current = this.session.client.upload(id, file, onProgress);
      return current.done;
    });
    return { done, cancel: () => current?.cancel() };
  }

  private async fetchFile(attachment: string): Promise<string> {
    const id = this.thread.conversation.value?.id ?? "";
    const bytes = await this.session.authorized(() => this.session.client.download(id, attachment));
    return URL.createObjectURL(bytes);
  }

  private async deliver(
    text: string,
    attachments: readonly Attachment[],
    key: string,
    mayBeginAgain = true,
  ): Promise<Message> {
    const id = await this.conversationId(key);
    try {
      const { client } = this.session;
      const files = attachments.map((each) => each.id);
      const { message } = await this.session.authorized(() => client.sendMessage(id, text, files, key));
      return message;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || !mayBeginAgain) throw error;
      this.thread.follow(null); // erased meanwhile: what they write now begins another
      return this.deliver(text, attachments, key, false);
    }
  }

  /** The conversation's id; several that want the first one at the same time begin it together. */
  private conversationId(key: string): Promise<string> {
    const present = this.thread.conversation.value;
    if (present) return Promise.resolve(present.id);
    this.beginning ??= this.begin(key).finally(() => {
      this.beginning = null;
    });
    return this.beginning;
  }

  private async begin(key: string): Promise<string> {
    const started = await this.session.authorized(() => this.session.client.startConversation(key));
    this.adopt(started);
    return this.thread.conversation.value?.id ?? started.id;
  }

  private delivered(key: string, message: Message): void {
    this.sentAs.set(message.id, key);
    if (this.thread.add(message)) this.fillWanted = true;
    this.signal({ name: "message:sent", detail: { id: message.id } });
  }

  /** Our own message keeps its place on screen when the server's copy takes over: message id to outbox key. */
  readonly sentAs = new Map<string, string>();

  private receive(event: LiveEvent): void {
    if (event.type === "conversation.created") this.adopt(event.conversation);
    const theirs = typeof event.conversation === "string" ? event.conversation : event.conversation.id;
    if (theirs !== this.thread.conversation.value?.id) return;
    if (event.type === "message.created" && event.message.author === "contact" && this.outbox.uncertain) {
      this.held.push(event.message); // perhaps the very one whose answer has not come yet
      return;
    }
    const isNew = "message" in event && event.message.sequence > this.thread.newest;
    if (this.thread.receive(event)) void this.quietly(() => this.fill());
    if ("message" in event && isNew) this.noticed(event.message);
  }

  /** A conversation begun here, or in another tab while this one was still empty. */
  private adopt(conversation: Conversation): void {
    if (this.thread.conversation.value) return;
    this.thread.follow(conversation);
    this.attention.restore(conversation.id);
  }

  private noticed(message: Message): void {
    if (message.author === "contact") return;
    this.arrived.value = message;
    this.attention.notice(message);
    this.signal({ name: "message:received", detail: { id: message.id, author: message.author } });
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
    for (const message of this.thread.messages.value) if (message.sequence > before) this.noticed(message);
  }

  private async liveChanged(state: LiveState): Promise<void> {
    const wasReady = this.live.value === "ready";
    this.live.value = state;
    if (wasReady) this.thread.dropDrafts();
    if (state !== "ready") return;
    await this.outbox.flush();
    await this.quietly(() => this.refresh());
  }

  /** Messages and status as they are now. */
  private async refresh(): Promise<void> {
    const id = this.thread.conversation.value?.id;
    if (!id) return;
    await this.fill();
    this.thread.update(await this.session.authorized(() => this.session.client.conversation(id)));
  }

  /** Runs what nobody waits for. What fails for want of a connection is asked again by the next event or poll. */
  private async quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof ApiError && error.status === 404)
        this.thread.follow(null); // erased meanwhile
      else if (error instanceof ApiError) this.signal({ name: "error", detail: { code: error.code } });
      else if (!(error instanceof NetworkError)) throw error;
    }
  }

  private async poll(): Promise<void> {
    if (this.phase.value !== "ready" || !navigator.onLine || !this.attention.pageVisible.value) return;
    if (this.live.value === "ready" && !this.thread.awaiting.value) return;
    await this.quietly(() => this.refresh());
  }

  private signal(signal: ChatSignal): void {
    this.options.onSignal?.(signal);
  }
}
