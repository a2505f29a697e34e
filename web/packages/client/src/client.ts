import { ApiError, NetworkError } from "./errors.js";
import type {
  Answer,
  Attachment,
  Attributes,
  Conversation,
  FeedbackValue,
  Identity,
  Message,
  Survey,
  Visitor,
} from "./types.js";
import { fileSender, type Sendable, type SendFile, type Upload } from "./upload.js";

/** Longer than any answer of the API without `?wait`; a request that hangs longer is cut and tried again. */
const TIMEOUT_MS = 15_000;
/** A file of some megabytes over a slow telephone. */
const FILE_TIMEOUT_MS = 120_000;

export interface ClientOptions {
  /** Origin of the server, without a slash at the end; "" for the page's own. */
  base?: string;
  /** The bearer token at the moment of each request. */
  token?: () => string | null;
  fetch?: typeof fetch;
  sendFile?: SendFile;
}

export interface VisitorRequest {
  token?: string;
  identity?: Identity;
  attributes?: Attributes;
}

/** What a customer says: `attachments` are ids of uploads, `pressed` the value of the button it was said with. */
export interface Said {
  text: string;
  attachments?: readonly string[];
  pressed?: string;
}

export type Client = ReturnType<typeof createClient>;

interface Call {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  body?: unknown;
  key?: string;
}

/** The customers' API as functions: each resolves to the response body, or rejects with ApiError or NetworkError. */
export function createClient(options: ClientOptions = {}) {
  const call = <T>(request: Call): Promise<T> => send<T>(options, request);
  const conversation = (id: string): string => `/v1/conversations/${encodeURIComponent(id)}`;

  return {
    visit: (channel: string, body: VisitorRequest) =>
      call<Visitor>({ method: "POST", path: `/v1/channels/${encodeURIComponent(channel)}/visitors`, body }),

    startConversation: (key: string) =>
      call<Conversation>({ method: "POST", path: "/v1/conversations", body: {}, key }),

    conversation: (id: string) => call<Conversation>({ method: "GET", path: conversation(id) }),

    /** Sends a text, files, or both, once: the same key again gives the message that is already stored. */
    sendMessage: (id: string, said: Said, key: string) =>
      call<{ message: Message; reply: Answer | null }>({
        method: "POST",
        path: `${conversation(id)}/messages`,
        body: {
          text: said.text,
          ...(said.attachments?.length ? { attachments: said.attachments } : {}),
          ...(said.pressed ? { pressed: said.pressed } : {}),
        },
        key,
      }),

    /** Uploads a file, to be named by a message. */
    upload: (id: string, file: Sendable, onProgress: (share: number) => void): Upload<Attachment> =>
      (options.sendFile ?? fileSender(options.fetch))<Attachment>(
        `${options.base ?? ""}${conversation(id)}/attachments`,
        headersOf(options.token?.() ?? null),
        file,
        onProgress,
      ),

    /** A file's bytes. */
    download: (id: string, attachment: string): Promise<Blob> =>
      fetchFile(options, `${conversation(id)}/attachments/${encodeURIComponent(attachment)}`),

    /** A message read aloud: its beginning comes while the rest is still spoken. */
    speech: (id: string, message: string): Promise<Response> =>
      fetchAnswer(options, `${conversation(id)}/messages/${encodeURIComponent(message)}/audio`),

    messages: (id: string, after: number, limit: number) =>
      call<{ messages: Message[] }>({
        method: "GET",
        path: `${conversation(id)}/messages?after=${after}&limit=${limit}`,
      }),

    resolve: (id: string) => call<Conversation>({ method: "POST", path: `${conversation(id)}/resolve` }),

    handOver: (id: string) => call<Conversation>({ method: "POST", path: `${conversation(id)}/hand-over` }),

    askAssistant: (id: string) => call<Conversation>({ method: "DELETE", path: `${conversation(id)}/hand-over` }),

    leaveAddress: (id: string, email: string) =>
      call<Conversation>({ method: "POST", path: `${conversation(id)}/address`, body: { email } }),

    survey: (id: string) => call<Survey>({ method: "GET", path: `${conversation(id)}/survey` }),

    rateConversation: (id: string, score: number, comment?: string) =>
      call<Survey>({
        method: "PUT",
        path: `${conversation(id)}/rating`,
        body: comment ? { score, comment } : { score },
      }),

    feedback: (id: string, message: string, value: FeedbackValue, comment?: string) =>
      call<unknown>({
        method: "POST",
        path: `${conversation(id)}/messages/${encodeURIComponent(message)}/feedback`,
        body: comment ? { value, comment } : { value },
      }),
  };
}

function send<T>({ base = "", token, fetch: fetcher }: ClientOptions, request: Call): Promise<T> {
  return within(TIMEOUT_MS, async (signal) => {
    const response = await reach(fetcher ?? fetch, base + request.path, {
      ...init(request, token?.() ?? null),
      signal,
    });
    if (!response.ok) throw await ApiError.from(response);
    return cutOff((response.status === 204 ? Promise.resolve(null) : response.json()) as Promise<T>);
  });
}

function fetchFile(options: ClientOptions, path: string): Promise<Blob> {
  return within(FILE_TIMEOUT_MS, async (signal) => cutOff((await answered(options, path, signal)).blob()));
}

function fetchAnswer(options: ClientOptions, path: string): Promise<Response> {
  return within(FILE_TIMEOUT_MS, (signal) => answered(options, path, signal));
}

async function answered(
  { base = "", token, fetch: fetcher }: ClientOptions,
  path: string,
  signal: AbortSignal,
): Promise<Response> {
  const response = await reach(fetcher ?? fetch, base + path, {
    headers: headersOf(token?.() ?? null),
    credentials: "omit",
    signal,
  });
  if (!response.ok) throw await ApiError.from(response);
  return response;
}

/** Cuts work that takes longer. (React Native has no `AbortSignal.timeout`.) */
async function within<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort();
  }, milliseconds);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function cutOff<T>(body: Promise<T>): Promise<T> {
  try {
    return await body;
  } catch (cause) {
    throw new NetworkError("The answer was cut off", { cause });
  }
}

function headersOf(token: string | null): Record<string, string> {
  return { Accept: "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
}

function init({ method, body, key }: Call, token: string | null): RequestInit {
  const headers = headersOf(token);
  if (key) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return {
    method,
    headers,
    credentials: "omit", // the customers' door knows no cookies
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

async function reach(fetcher: typeof fetch, url: string, options: RequestInit): Promise<Response> {
  try {
    return await fetcher(url, options);
  } catch (cause) {
    throw new NetworkError("The server could not be reached", { cause });
  }
}
