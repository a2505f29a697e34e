import { createClient, type Client, type VisitorRequest } from "./client.js";
import { ApiError } from "./errors.js";
import type { Store } from "./store.js";
import type { Attributes, Identity, Visitor } from "./types.js";
import type { SendFile } from "./upload.js";

const TOKEN = "token";
const IDENTITY_INVALID = "identity_invalid";

interface SessionOptions {
  /** Origin of the server; "" for the page's own. */
  base: string;
  /** The page vouched for a customer with a wrong hash: they stay who they were. */
  onIdentityRefused: (code: string) => void;
  fetch?: typeof fetch;
  sendFile?: SendFile;
}

/** Who this device is to the channel: a visitor token, kept so that the customer finds their conversation again. */
export class Session {
  readonly client: Client;
  private identity: Identity | null = null;
  private attributes: Attributes = {};
  private visiting: Promise<Visitor> | null = null;

  constructor(
    private readonly channel: string,
    private readonly drawer: Store,
    private readonly options: SessionOptions,
  ) {
    this.client = createClient({
      base: options.base,
      token: () => this.token,
      ...(options.fetch ? { fetch: options.fetch } : {}),
      ...(options.sendFile ? { sendFile: options.sendFile } : {}),
    });
  }

  get token(): string | null {
    return this.drawer.get(TOKEN);
  }

  identify(identity: Identity): void {
    this.identity = identity;
  }

  addAttributes(attributes: Attributes): void {
    this.attributes = { ...this.attributes, ...attributes };
  }

  forget(): void {
    this.identity = null;
    this.attributes = {};
    this.drawer.clear();
  }

  /** Shows the server the token of an earlier visit, or gets a first one. Calls at the same time share one request. */
  visit(): Promise<Visitor> {
    this.visiting ??= this.request().finally(() => {
      this.visiting = null;
    });
    return this.visiting;
  }

  /** Runs a call; when its token has expired, gets another and runs it once more. */
  async authorized<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      await this.visit();
      return call();
    }
  }

  private async request(): Promise<Visitor> {
    const visitor = await this.ask();
    this.drawer.set(TOKEN, visitor.token);
    return visitor;
  }

  private async ask(): Promise<Visitor> {
    try {
      return await this.client.visit(this.channel, this.body());
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== IDENTITY_INVALID || !this.identity) throw error;
      this.identity = null;
      this.options.onIdentityRefused(error.code);
      return this.client.visit(this.channel, this.body());
    }
  }

  private body(): VisitorRequest {
    const { token, identity, attributes } = this;
    return {
      ...(token ? { token } : {}),
      ...(identity ? { identity } : {}),
      ...(Object.keys(attributes).length ? { attributes } : {}),
    };
  }
}
