import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  connectToFrame,
  connectToHost,
  embedHash,
  Port,
  readEmbedHash,
  type FrameMessages,
  type HostMessages,
} from "../src";

const SHOP = "https://shop.example";
const KEFU = "https://kefu.example";

interface Post {
  data: unknown;
  origin: string;
  ports: MessagePort[];
}

/** A window of the other side that notes what is posted to it, and to which origin. */
function farWindow(): { window: Window; posts: Post[] } {
  const posts: Post[] = [];
  const postMessage = (data: unknown, origin: string, ports: MessagePort[] = []): void => {
    posts.push({ data, origin, ports });
  };
  return { window: { postMessage } as unknown as Window, posts };
}

function arrive(data: unknown, origin: string, source: Window | null, ports: MessagePort[] = []): void {
  const event = new Event("message");
  Object.assign(event, { data, origin, source, ports });
  window.dispatchEvent(event);
}

const hello = { kefu: 1, step: "hello" };
const connect = { kefu: 1, step: "connect" };

describe("the loader's side", () => {
  const far = farWindow();
  const frame = { contentWindow: far.window } as HTMLIFrameElement;
  const unread: number[] = [];
  let port: Port<FrameMessages, HostMessages>;
  let stop: () => void;
  let connected: number;

  beforeEach(() => {
    far.posts.length = 0;
    unread.length = 0;
    connected = 0;
    port = new Port<FrameMessages, HostMessages>({ unread: ({ count }) => unread.push(count) });
    stop = connectToFrame(frame, KEFU, port, () => connected++);
  });

  afterEach(() => {
    port.close();
    stop();
  });

  it("answers the frame's hello with a channel, to the frame's origin alone", () => {
    arrive(hello, KEFU, far.window);
    expect(connected).toBe(1);
    expect(far.posts).toMatchObject([{ data: connect, origin: KEFU }]);
    expect(far.posts[0]?.ports).toHaveLength(1);
  });

  it.each([
    ["another origin", hello, "https://evil.example", far.window],
    ["an origin that only begins alike", hello, "https://kefu.example.evil.example", far.window],
    ["an opaque origin", hello, "null", far.window],
    ["another window of the right origin", hello, KEFU, farWindow().window],
    ["no window", hello, KEFU, null],
    ["another protocol", { kefu: 2, step: "hello" }, KEFU, far.window],
    ["another step", connect, KEFU, far.window],
    ["no words at all", null, KEFU, far.window],
  ])("ignores a hello from %s", (_, data, origin, source) => {
    arrive(data, origin, source);
    expect(connected).toBe(0);
    expect(far.posts).toEqual([]);
  });

  it("hears through the channel only, and gives a reloaded frame a new one", async () => {
    arrive(hello, KEFU, far.window);
    far.posts[0]?.ports[0]?.postMessage({ type: "unread", data: { count: 2 } });
    await vi.waitFor(() => {
      expect(unread).toEqual([2]);
    }, 20_000);
    arrive(hello, KEFU, far.window);
    far.posts[1]?.ports[0]?.postMessage({ type: "unread", data: { count: 3 } });
    await vi.waitFor(() => {
      expect(unread).toEqual([2, 3]);
    }, 20_000);
    arrive({ type: "unread", data: { count: 9 } }, KEFU, far.window); // words outside the channel count for nothing
    expect(unread).toEqual([2, 3]);
  });
});

describe("the frame's side", () => {
  it("says hello to the page's exact origin and takes the channel from it alone", async () => {
    const host = farWindow();
    const seen: boolean[] = [];
    const port = new Port<HostMessages, FrameMessages>({ visible: ({ visible }) => seen.push(visible) });
    connectToHost(host.window, SHOP, port);
    expect(host.posts).toMatchObject([{ data: hello, origin: SHOP }]);

    const wrong = new MessageChannel();
    arrive(connect, "https://evil.example", host.window, [wrong.port2 as unknown as MessagePort]);
    arrive(connect, SHOP, farWindow().window, [wrong.port2 as unknown as MessagePort]);
    arrive(connect, SHOP, host.window, []);
    const right = new MessageChannel();
    arrive(connect, SHOP, host.window, [right.port2 as unknown as MessagePort]);
    wrong.port1.postMessage({ type: "visible", data: { visible: false } });
    right.port1.postMessage({ type: "visible", data: { visible: true } });
    await vi.waitFor(() => {
      expect(seen).toEqual([true]);
    }, 20_000);
    port.close();
    wrong.port1.close();
  });

  it("keeps what is said before the channel is there", async () => {
    const port = new Port<HostMessages, FrameMessages>({});
    port.send("unread", { count: 1 });
    port.send("close", {});
    const { port1, port2 } = new MessageChannel();
    const heard: unknown[] = [];
    port1.onmessage = ({ data }) => heard.push(data);
    port.open(port2 as unknown as MessagePort);
    await vi.waitFor(() => {
      expect(heard).toEqual([
        { type: "unread", data: { count: 1 } },
        { type: "close", data: {} },
      ]);
    }, 20_000);
    port.close();
  });

  it("calls no handler that was not given, not even one of Object", () => {
    const port = new Port<HostMessages, FrameMessages>({});
    const { port2 } = new MessageChannel();
    port.open(port2 as unknown as MessagePort);
    for (const data of [{ type: "toString" }, { type: "constructor" }, null, "x", { type: 1 }]) {
      expect(() => (port2 as unknown as MessagePort).onmessage?.({ data } as MessageEvent)).not.toThrow();
    }
    port.close();
  });
});

describe("options in the frame's address", () => {
  it("come back as they were given", () => {
    const options = { origin: "https://shop.example:8443", language: "zh", theme: "dark" } as const;
    expect(readEmbedHash(embedHash(options))).toEqual(options);
  });

  it.each([
    "*",
    "null",
    "https://shop.example/",
    "https://shop.example/path",
    "javascript:alert(1)",
    "",
    "shop.example",
  ])("an origin must be exact: %s is none", (origin) => {
    expect(readEmbedHash(`#${new URLSearchParams({ origin }).toString()}`)).toBeNull();
  });

  it("fall back where they make no sense", () => {
    expect(readEmbedHash("#origin=https://shop.example&language=fr&theme=pink")).toEqual({
      origin: SHOP,
      language: null,
      theme: "auto",
    });
  });
});
