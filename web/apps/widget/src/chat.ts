import {
  ApiError,
  BrowserStore,
  Chat as Core,
  NetworkError,
  type Attachment,
  type Attributes,
  type FeedbackValue,
  type Identity,
  type Message,
  type SendFile,
  type Survey,
} from "@kefu/client";
import { Files, canRecord, streamedSound } from "@kefu/ui";
import { computed, ref, shallowRef } from "vue";
import { Attention } from "./attention";
import { mirror } from "./mirror";

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
  sendFile?: SendFile;
}

const MISHAP_MS = 6_000;

/** The chat of `@kefu/client` on a page: as Vue sees it, with files being chosen, unread counts and sound. */
export class Chat {
  private readonly store: BrowserStore;
  private readonly core: Core;
  readonly phase;
  readonly failure;
  readonly channel;
  readonly live;
  readonly thread;
  readonly outbox;
  readonly files: Files;
  readonly attention: Attention;
  readonly status;
  /** What the customer just asked for did not work; true for some seconds. */
  readonly mishap = ref(false);
  /** The newest message that came from somebody else, for screen readers. */
  readonly arrived = shallowRef<Message | null>(null);
  /** Files and read-out messages by id, as this browser shows them. */
  private readonly shown = new Map<string, Promise<string>>();
  private mishapTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: ChatOptions) {
    this.store = new BrowserStore(options.channel);
    this.store.onForbidden = options.onForbidden ?? null;
    const { fetch: fetcher, WebSocket: Socket, sendFile } = options;
    const core = new Core({
      server: options.origin,
      channel: options.channel,
      store: this.store,
      asksFirst: true,
      ...(fetcher ? { fetch: fetcher } : {}),
      ...(Socket ? { WebSocket: Socket } : {}),
      ...(sendFile ? { sendFile } : {}),
    });
    this.core = core;
    this.phase = mirror(core.phase);
    this.failure = mirror(core.failure);
    this.channel = mirror(core.channel);
    this.live = mirror(core.live);
    this.thread = this.mirrorThread();
    this.outbox = {
      entries: mirror(core.outgoing),
      retry: (key: string) => core.retry(key),
      discard: (key: string) => {
        core.discard(key);
      },
    };
    this.status = computed(() => this.thread.conversation.value?.status ?? null);
    this.files = new Files({
      limits: () => this.channel.value?.attachments ?? { per_message: 0, bytes: 0 },
      upload: (file, onProgress) => core.upload(file, onProgress),
      onPreview: (id, address) => this.shown.set(id, Promise.resolve(address)),
    });
    this.attention = new Attention(this.store, this.thread.messages, this.channel);
    this.passOn();
  }

  /** Whether an earlier visit left a token, so that there may be something to show. */
  get isReturning(): boolean {
    return this.core.isReturning;
  }

  get sentAs(): ReadonlyMap<string, string> {
    return this.core.sentAs;
  }

  /** Takes back what was kept elsewhere, before the start. */
  remember(values: Record<string, string>): void {
    if (this.phase.value !== "idle") return;
    this.store.adopt(values);
    this.attention.readChoices();
  }

  start(): Promise<void> {
    return this.core.start();
  }

  send(text: string, pressed?: string): Promise<void> {
    return this.core.send(text, { attachments: this.files.take(), ...(pressed === undefined ? {} : { pressed }) });
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
      const { done } = await this.core.upload(recording);
      const attachment = await done;
      this.shown.set(attachment.id, Promise.resolve(URL.createObjectURL(recording)));
      await this.core.send("", { attachments: [attachment] });
    });
  }

  /** Where this browser plays a message's sound from; who asks first hears it while it is still spoken. */
  readonly speech = (message: Message): Promise<string> => {
    const known = this.shown.get(message.id);
    if (known) return known;
    const sound = this.core.speechResponse(message).then(streamedSound);
    const whole = sound.then((streamed) => streamed.whole);
    this.shown.set(message.id, whole);
    whole.catch(() => this.shown.delete(message.id));
    return sound.then(({ address }) => address);
  };

  /** Where this browser shows a file from: fetched once, since an address alone carries no token. */
  readonly address = (file: Attachment): Promise<string> => this.addressOf(file.id, () => this.core.download(file));

  /** Whether the customer can call here. */
  get canCall(): boolean {
    return this.channel.value?.voice.calls === true && canRecord() && typeof AudioWorkletNode !== "undefined";
  }

  /** Opens the panel of a call. */
  readonly inCall = ref(false);

  /** What a call says hello with: who the customer is, and where they call, or their earlier call. */
  readonly callHello = async (call: string | null): Promise<Record<string, string>> => {
    const conversation = await this.core.callIn();
    const language = document.documentElement.lang;
    return { token: this.core.token ?? "", language, ...(call ? { call } : { conversation }) };
  };

  get origin(): string {
    return this.options.origin;
  }

  /** Whether a message answers one that was spoken, and is to be heard as well. */
  isSpokenTo(message: Message): boolean {
    if (!this.channel.value?.voice.seconds || message.author !== "assistant" || this.inCall.value) return false;
    const before = this.thread.messages.value.filter(({ sequence }) => sequence < message.sequence);
    const asked = before.reverse().find(({ author }) => author === "contact");
    return asked?.attachments.some(({ kind }) => kind === "audio") ?? false;
  }

  /** Asks for a person. Like the other wishes below, resolves to whether it worked. */
  handOver(): Promise<boolean> {
    return this.attempt(() => this.core.handOver());
  }

  /** Asks the assistant again, as long as nobody came. */
  askAssistant(): Promise<boolean> {
    return this.attempt(() => this.core.askAssistant());
  }

  resolve(): Promise<boolean> {
    return this.attempt(() => this.core.resolve());
  }

  leaveAddress(email: string): Promise<boolean> {
    return this.attempt(() => this.core.leaveAddress(email));
  }

  /** The survey after the end; null while it cannot be read, which only means that no stars are shown. */
  async survey(): Promise<Survey | null> {
    try {
      return await this.core.survey();
    } catch (error) {
      if (error instanceof ApiError || error instanceof NetworkError) return null;
      throw error;
    }
  }

  /** Stars for the conversation; null if it did not work. */
  async rateConversation(score: number, comment?: string): Promise<Survey | null> {
    let rated: Survey | null = null;
    await this.attempt(async () => {
      rated = await this.core.rateConversation(score, comment);
    });
    return rated;
  }

  rate(message: Message, value: FeedbackValue, comment?: string): Promise<boolean> {
    return this.attempt(async () => {
      await this.core.rate(message, value, comment);
      this.signal({ name: "feedback", detail: { value } });
    });
  }

  /** Answers of the form before the chat. */
  introduce(attributes: Attributes): Promise<void> {
    return this.core.introduce(attributes);
  }

  identify(identity: Identity): void {
    this.core.identify(identity);
  }

  setAttributes(attributes: Attributes): void {
    this.core.setAttributes(attributes);
  }

  /** Forgets the customer on this device and begins as a stranger. */
  forget(): void {
    this.core.forget();
    this.files.clear();
    if (this.attention.panelVisible.value) void this.start();
  }

  /** The customer is writing; members see it. */
  typing(): void {
    this.core.typing();
  }

  private mirrorThread() {
    const { core } = this;
    const [conversation, messages] = [mirror(core.conversation), mirror(core.messages)];
    return {
      conversation,
      messages,
      drafts: mirror(core.drafts),
      typist: mirror(core.typist),
      /** Whether an answer of the assistant is on its way. */
      awaiting: computed(() => conversation.value !== null && messages.value.length > 0 && core.awaiting),
    };
  }

  /** What happens in the chat reaches the reader's attention and the page around. */
  private passOn(): void {
    const { core } = this;
    core.conversation.subscribe(() => {
      this.attention.follow(core.conversation.value?.id ?? "");
    });
    core.on("status", (detail) => {
      this.signal({ name: "conversation:status", detail });
    });
    core.on("sent", ({ id }) => {
      this.signal({ name: "message:sent", detail: { id } });
    });
    core.on("received", (message) => {
      this.arrived.value = message;
      this.attention.notice(message);
      this.signal({ name: "message:received", detail: { id: message.id, author: message.author } });
    });
    core.on("error", (detail) => {
      this.signal({ name: "error", detail });
    });
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

  private addressOf(id: string, fetchBytes: () => Promise<Blob>): Promise<string> {
    const known = this.shown.get(id);
    if (known) return known;
    const fetched = fetchBytes().then((bytes) => URL.createObjectURL(bytes));
    this.shown.set(id, fetched);
    fetched.catch(() => this.shown.delete(id)); // asked again the next time it is wanted
    return fetched;
  }

  private signal(signal: ChatSignal): void {
    this.options.onSignal?.(signal);
  }
}
