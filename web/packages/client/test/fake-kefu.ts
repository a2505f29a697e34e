import {
  ApiError,
  NetworkError,
  type Answer,
  type Attachment,
  type Conversation,
  type LiveEvent,
  type Message,
  type SendFile,
  type Visitor,
} from "../src";

type Body = Partial<Record<"token" | "text" | "email" | "pressed", string> & { attachments: string[] }>;

/**
 * The public API in memory, true to the protocol: idempotent messages, sequences, live events, bad tokens.
 *
 * `network` cuts and heals; `lose` lets the server do its work and then loses the answer on the way back.
 */
export class FakeKefu {
  messages: Message[] = [];
  conversation: Conversation | null = null;
  settings: Visitor["channel"]["settings"] = {};
  requests: { method: string; path: string; body: unknown; token: string | null }[] = [];
  sockets: FakeSocket[] = [];
  network = true;
  /** The next answers to requests whose path ends so are lost after the work was done. */
  lose: string[] = [];
  /** The next requests whose path ends so are refused with this status. */
  refuse: { path: string; status: number; code: string }[] = [];
  validTokens = new Set<string>();
  feedback: unknown[] = [];
  addresses: string[] = [];
  uploads: Attachment[] = [];
  /** The next uploads are refused for this reason. */
  refuseFiles: { status: number; code: string; reason: string }[] = [];
  private readonly byKey = new Map<string, Message>();
  private tokens = 0;
  private event = 0;

  readonly fetch: typeof fetch = async (input, init) => {
    if (!this.network) throw new TypeError("Failed to fetch");
    const url = new URL(String(input), "https://kefu.example");
    const headers = new Headers(init?.headers);
    const method = init?.method ?? "GET";
    const body: unknown = init?.body ? JSON.parse(String(init.body)) : undefined;
    const token = headers.get("Authorization")?.replace("Bearer ", "") ?? null;
    this.requests.push({ method, path: url.pathname, body, token });
    const refusal = take(this.refuse, ({ path }) => url.pathname.endsWith(path));
    if (refusal) return problem(refusal.status, refusal.code);
    if (!url.pathname.endsWith("/visitors") && !this.validTokens.has(token ?? "")) return problem(401, "not_signed_in");
    const response = this.route(method, url, body as Body | undefined, headers);
    if (take(this.lose, (path) => url.pathname.endsWith(path))) throw new TypeError("Failed to fetch");
    return response;
  };

  readonly sendFile = ((_url, _headers, sent, onProgress) => ({
    done: Promise.resolve().then(() => {
      if (!this.network) throw new NetworkError("The upload was cut off");
      const refusal = this.refuseFiles.shift();
      if (refusal) throw new ApiError(refusal.status, refusal.code, "", { reason: refusal.reason });
      onProgress(1);
      const file = sent as File;
      const number = this.uploads.length + 1;
      const stored: Attachment = {
        id: `att_${number}`,
        kind: file.type.startsWith("image/") ? "image" : "file",
        name: file.name,
        media_type: file.type,
        size: file.size,
      };
      this.uploads.push(stored);
      return stored;
    }),
    cancel: () => undefined,
  })) as SendFile;

  readonly WebSocket = ((kefu: FakeKefu) =>
    class extends FakeSocket {
      constructor() {
        super(kefu);
      }
    })(this) as unknown as typeof WebSocket;

  /** Stores a message of the other side and announces it. */
  say(author: Message["author"], text: string, more: Partial<Message> = {}): Message {
    const message = this.store({ author, text, ...more });
    this.emit({
      type: author === "assistant" ? "reply.completed" : "message.created",
      conversation: message.conversation,
      message,
    });
    return message;
  }

  update(status: Conversation["status"]): void {
    this.conversation = { ...(this.conversation as Conversation), status };
    this.emit({ type: "conversation.updated", conversation: this.conversation });
  }

  delta(turn: string, text: string): void {
    this.emit({ type: "reply.delta", conversation: (this.conversation as Conversation).id, turn, text });
  }

  cut(): void {
    for (const socket of this.sockets.splice(0)) socket.drop(1006);
  }

  expireTokens(): void {
    this.validTokens.clear();
    for (const socket of this.sockets.splice(0)) socket.drop(4401);
  }

  emit(event: object): void {
    this.event++;
    for (const socket of this.sockets) socket.hear({ ...event, event: this.event } as LiveEvent);
  }

  hello(socket: FakeSocket, token: string): void {
    if (!this.network) return socket.drop(1006);
    if (!this.validTokens.has(token)) return socket.drop(4401);
    this.sockets.push(socket);
    socket.hear({ type: "ready", event: this.event });
  }

  private route(method: string, url: URL, body: Body | undefined, headers: Headers): Response {
    const call = `${method} ${url.pathname.replace(/\/(ch|conv|msg)_\w+/g, "/$1")}`;
    switch (call) {
      case "POST /v1/channels/ch/visitors":
        return Response.json(this.visit(body?.["token"]), { status: 201 });
      case "POST /v1/conversations":
        this.conversation ??= { id: "conv_1", status: "bot" };
        this.emit({ type: "conversation.created", conversation: this.conversation });
        return Response.json(this.conversation, { status: 201 });
      case "GET /v1/conversations/conv":
        return Response.json(this.conversation);
      case "POST /v1/conversations/conv/messages":
        return this.receive(body ?? {}, headers.get("Idempotency-Key") ?? "");
      case "GET /v1/conversations/conv/messages":
        return Response.json({ messages: this.page(url.searchParams) });
      case "POST /v1/conversations/conv/hand-over":
        this.update("waiting");
        return Response.json(this.conversation);
      case "DELETE /v1/conversations/conv/hand-over":
        this.update("bot");
        return Response.json(this.conversation);
      case "POST /v1/conversations/conv/resolve":
        this.update("resolved");
        return Response.json(this.conversation);
      case "POST /v1/conversations/conv/address":
        this.conversation = { ...(this.conversation as Conversation), address_wanted: false };
        this.addresses.push(body?.["email"] ?? "");
        return Response.json(this.conversation);
      case "POST /v1/conversations/conv/messages/msg/feedback":
        this.feedback.push(body);
        return new Response(null, { status: 204 });
      default:
        return problem(404, "not_found");
    }
  }

  private visit(token: string | undefined): Visitor {
    const known = token !== undefined && this.validTokens.has(token);
    const granted = known ? token : `token-${++this.tokens}`;
    this.validTokens.add(granted);
    return {
      token: granted,
      expires_in: 3600,
      contact: "contact_1",
      channel: {
        id: "ch_1",
        name: "Website",
        title: "Shop",
        assistant: true,
        settings: this.settings,
        attachments: { per_message: 3, bytes: 1_000_000 },
        voice: { seconds: 300 },
      },
      conversation: this.conversation,
    };
  }

  private receive({ text = "", attachments: files = [], pressed }: Body, key: string): Response {
    const stored = this.byKey.get(key);
    if (stored) return Response.json({ message: stored, reply: null }, { status: 200 });
    const attachments = this.uploads.filter(({ id }) => files.includes(id));
    const message = this.store({
      author: "contact",
      text,
      attachments,
      pressed: pressed ?? null,
      outcome: "pending",
      turn: `turn_${key}`,
    });
    this.byKey.set(key, message);
    this.emit({ type: "message.created", conversation: message.conversation, message });
    return Response.json({ message, reply: null }, { status: 201 });
  }

  page(query: URLSearchParams): Message[] {
    const after = Number(query.get("after"));
    return this.messages.filter(({ sequence }) => sequence > after).slice(0, Number(query.get("limit")));
  }

  private store(message: Partial<Message>): Message {
    const sequence = (this.messages.at(-1)?.sequence ?? 0) + 1;
    const stored: Message = {
      id: `msg_${sequence}`,
      conversation: "conv_1",
      sequence,
      author: "assistant",
      author_name: null,
      text: "",
      created_at: new Date().toISOString(),
      outcome: "",
      turn: null,
      answer: null,
      attachments: [],
      thumb: null,
      pressed: null,
      ...message,
    };
    this.messages.push(stored);
    return stored;
  }
}

/** A browser's socket to the fake. */
class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  frames: { type: string }[] = [];

  constructor(private readonly kefu: FakeKefu) {
    queueMicrotask(() => {
      if (this.kefu.network) this.onopen?.();
      else this.drop(1006);
    });
  }

  send(text: string): void {
    const frame = JSON.parse(text) as { type: string; token: string };
    this.frames.push(frame);
    if (frame.type === "hello") this.kefu.hello(this, frame.token);
  }

  close(): void {
    this.kefu.sockets = this.kefu.sockets.filter((socket) => socket !== this);
  }

  hear(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  drop(code: number): void {
    this.onclose?.({ code });
  }
}

export const answer = (part: Partial<Answer> = {}): Answer => ({
  answer: "",
  decision: "approved",
  confidence: 0.9,
  language: "en",
  citations: [],
  quick_replies: [],
  quick_reply_values: [],
  ...part,
});

function problem(status: number, code: string): Response {
  return Response.json({ title: code, status, code, detail: code }, { status });
}

function take<T>(list: T[], wanted: (item: T) => boolean): T | undefined {
  const at = list.findIndex(wanted);
  return at < 0 ? undefined : list.splice(at, 1)[0];
}
