import {
  createClient,
  ApiError,
  type Attributes,
  type Client,
  type Identity,
  type Visitor,
  type VisitorRequest,
} from "@kefu/api";
import type { Drawer } from "./storage";

const TOKEN = "token";

/** Who this browser is to the channel: a visitor token, kept so that the customer finds their conversation again. */
export class Session {
  readonly client: Client;
  private identity: Identity | null = null;
  private attributes: Attributes = {};
  private visiting: Promise<Visitor> | null = null;

  constructor(
    private readonly channel: string,
    private readonly drawer: Drawer,
    fetcher?: typeof fetch,
  ) {
    this.client = createClient({ token: () => this.token, ...(fetcher ? { fetch: fetcher } : {}) });
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
    const { token, identity, attributes } = this;
    const body: VisitorRequest = {
      ...(token ? { token } : {}),
      ...(identity ? { identity } : {}),
      ...(Object.keys(attributes).length ? { attributes } : {}),
    };
    const visitor = await this.client.visit(this.channel, body);
    this.drawer.set(TOKEN, visitor.token);
    return visitor;
  }
}
