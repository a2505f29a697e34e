import type { FrameMessages } from "@kefu/bridge";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi, type KefuApi, type QueuedCall } from "../src/api";
import { readOptions } from "../src/options";
import { Widget } from "../src/widget";

const KEFU = "https://kefu.example";

// Frames are created and load an empty page, without a connection.
interface HappyDom {
  settings: {
    enableIframePageLoading: boolean;
    fetch: { interceptor: { beforeAsyncRequest: () => Promise<Response> } };
  };
}
const { settings } = (window as unknown as { happyDOM: HappyDom }).happyDOM;
settings.enableIframePageLoading = true;
settings.fetch.interceptor = { beforeAsyncRequest: async () => new window.Response("") };

function script(data: Record<string, string>, src = `${KEFU}/loader.js`): HTMLScriptElement {
  const element = document.createElement("script");
  Object.defineProperty(element, "src", { value: src });
  Object.assign(element.dataset, data);
  return element;
}

function options(data: Record<string, string> = {}) {
  const read = readOptions(script({ channel: "ch_1", ...data }));
  if (!read) throw new Error("no options");
  return read;
}

describe("options of the script tag", () => {
  afterEach(() => {
    document.documentElement.lang = "";
  });

  it("need a channel", () => {
    expect(readOptions(script({}))).toBeNull();
    expect(readOptions(script({ channel: "  " }))).toBeNull();
  });

  it("have defaults", () => {
    expect(options()).toMatchObject({ base: KEFU, channel: "ch_1", theme: "auto", position: "right", launcher: true });
  });

  it("take the language of the tag, then of the page, then of the browser", () => {
    document.documentElement.lang = "zh-CN";
    expect(options().language).toBe("zh");
    expect(options({ language: "en" }).language).toBe("en");
    document.documentElement.lang = "fr";
    vi.spyOn(navigator, "language", "get").mockReturnValue("zh-TW");
    expect(options().language).toBe("zh");
  });

  it("take numbers and fall back where there are none", () => {
    expect(options({ offsetX: "32", offsetY: "much", zIndex: "5" })).toMatchObject({
      offset: { x: 32, y: 20 },
      zIndex: 5,
    });
  });
});

describe("the widget on a page", () => {
  let widget: Widget;
  let api: KefuApi;
  let opened: MessagePort[];

  const root = (): ShadowRoot => document.getElementById("kefu")?.shadowRoot as ShadowRoot;
  const bubble = (): HTMLButtonElement => root().querySelector(".bubble") as HTMLButtonElement;
  const panel = (): HTMLElement => root().querySelector(".panel") as HTMLElement;
  const frame = (): HTMLIFrameElement | null => root().querySelector("iframe");

  /** The frame says hello, as Kefu's page in it would; returns what the loader tells it from then on. */
  function connectFrame(): {
    told: unknown[];
    say: <K extends keyof FrameMessages>(type: K, data: FrameMessages[K]) => void;
  } {
    const target = { postMessage: (_data: unknown, _origin: string, ports: MessagePort[]) => opened.push(...ports) };
    Object.defineProperty(frame(), "contentWindow", { value: target, configurable: true });
    const hello = new Event("message");
    Object.assign(hello, { data: { kefu: 1, step: "hello" }, origin: KEFU, source: target, ports: [] });
    window.dispatchEvent(hello);
    const port = opened.at(-1) as MessagePort;
    const told: unknown[] = [];
    port.onmessage = ({ data }) => told.push(data);
    return { told, say: (type, data) => port.postMessage({ type, data }) };
  }

  function start(data: Record<string, string> = {}, queued: QueuedCall[] = []): void {
    widget = new Widget(options(data));
    api = createApi(widget, queued);
    widget.mount();
  }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    opened = [];
    localStorage.clear();
    sessionStorage.clear();
    document.body.replaceChildren();
  });

  afterEach(() => {
    for (const port of opened) port.close();
    vi.useRealTimers();
  });

  it("loads nothing until somebody wants to chat", () => {
    start();
    expect(frame()).toBeNull();
    expect(bubble().getAttribute("aria-label")).toBe("Open chat");
    bubble().click();
    const source = new URL(frame()?.src ?? "");
    expect(source.origin + source.pathname).toBe(`${KEFU}/widget/ch_1`);
    expect(new URLSearchParams(source.hash.slice(1)).get("origin")).toBe(location.origin);
  });

  it("opens and closes, by button, Escape, frame and API", async () => {
    start();
    const heard: string[] = [];
    api.on("open", () => heard.push("open"));
    const stop = api.on("close", () => heard.push("close"));
    bubble().click();
    expect(panel().dataset["shown"]).toBe("true");
    expect(bubble().getAttribute("aria-expanded")).toBe("true");
    bubble().dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(panel().dataset["shown"]).toBe("false");
    api.open();
    connectFrame().say("close", {});
    await vi.waitFor(() => {
      expect(panel().dataset["shown"]).toBe("false");
    }, 20_000);
    stop();
    api.toggle();
    api.toggle();
    expect(heard).toEqual(["open", "close", "open", "close", "open"]);
  });

  it("shows and says how many messages wait", async () => {
    start();
    api.open();
    const counts: unknown[] = [];
    api.on("unread", (detail) => counts.push(detail));
    connectFrame().say("unread", { count: 3 });
    await vi.waitFor(() => {
      expect(counts).toEqual([{ count: 3 }]);
    }, 20_000);
    api.close();
    expect(root().querySelector<HTMLElement>(".badge")?.hidden).toBe(false);
    expect(root().querySelector(".badge")?.textContent).toBe("3");
    expect(bubble().getAttribute("aria-label")).toBe("Open chat, 3 unread messages");
  });

  it("tells a frame, also one that comes later or reloads, who the customer is", async () => {
    start();
    api.identify({ id: "u1", hash: "abc" });
    api.setAttributes({ plan: "pro" });
    api.open();
    const expected = [
      { type: "identify", data: { identity: { id: "u1", hash: "abc" } } },
      { type: "attributes", data: { attributes: { plan: "pro" } } },
      { type: "visible", data: { visible: true } },
    ];
    const first = connectFrame();
    await vi.waitFor(() => {
      expect(first.told).toEqual(expected);
    }, 20_000);
    const reloaded = connectFrame();
    await vi.waitFor(() => {
      expect(reloaded.told).toEqual(expected);
    }, 20_000);
  });

  it("refuses what cannot be an identity, and attributes that are no values, aloud", () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    start();
    api.identify({ id: "u1" } as never);
    expect(error).toHaveBeenCalledOnce();
    api.setAttributes({ plan: "pro", cart: { items: 1 } } as never);
    expect(warn.mock.calls[0]?.[0]).toContain("cart");
  });

  it("plays what the page asked before the loader ran", () => {
    const heard: string[] = [];
    start({}, [["on", "open", () => heard.push("open")], ["open"]]);
    expect(panel().dataset["shown"]).toBe("true");
    expect(heard).toEqual(["open"]);
  });

  it("offers a tab of its own when the frame is blocked", () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    start();
    const heard: unknown[] = [];
    api.on("error", (detail) => heard.push(detail));
    api.open();
    vi.advanceTimersByTime(15_000);
    expect(heard).toEqual([{ code: "frame_blocked" }]);
    expect(root().querySelector<HTMLAnchorElement>(".wait a")?.href).toBe(`${KEFU}/chat/ch_1`);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[0]).toContain(`Is ${location.origin} among the channel's allowed origins?`);
    expect(warn.mock.calls[0]?.[0]).toContain(`${KEFU}/console/channels/ch_1`);
  });

  it("waits no longer for a frame that has loaded and is silent, and says so once", () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    start();
    api.open();
    frame()?.dispatchEvent(new Event("load"));
    expect(root().querySelector(".wait a")).toBeNull();
    vi.advanceTimersByTime(3_000);
    expect(root().querySelector(".wait p")?.textContent).toBe("The chat cannot be shown on this page at the moment.");
    vi.advanceTimersByTime(20_000);
    expect(warn).toHaveBeenCalledOnce();
  });

  it("takes a frame that speaks late after all", () => {
    vi.spyOn(console, "warn").mockReturnValue();
    start();
    api.open();
    vi.advanceTimersByTime(15_000);
    connectFrame();
    expect(frame()?.dataset["shown"]).toBe("true");
    expect(root().querySelector<HTMLElement>(".wait")?.hidden).toBe(true);
  });

  it("remembers the channel's colour, and loads at once for a customer who wrote before", async () => {
    start();
    api.open();
    const { say } = connectFrame();
    say("ready", { title: "Shop", color: "#e60012" });
    say("event", { name: "message:sent", detail: { id: "m1" } });
    await vi.waitFor(() => {
      expect(localStorage.getItem("kefu:ch_1")).toBe('{"color":"#e60012","returning":true}');
    }, 20_000);
    api.close();
    document.body.replaceChildren();
    start();
    expect(root().querySelector<HTMLElement>("div")?.style.getPropertyValue("--brand")).toBe("#e60012");
    expect(frame()).toBeNull();
    vi.advanceTimersByTime(3_000);
    expect(frame()).not.toBeNull();
    expect(panel().dataset["shown"]).toBe("false");
  });

  it("keeps for the frame what the frame may not store, and gives it back first", async () => {
    start();
    api.open();
    connectFrame().say("keep", { values: { token: "t" } });
    await vi.waitFor(() => {
      expect(localStorage.getItem("kefu:ch_1:frame")).toBe('{"token":"t"}');
    }, 20_000);
    document.body.replaceChildren();
    start();
    const { told } = connectFrame();
    await vi.waitFor(() => {
      expect(told).toEqual([
        { type: "kept", data: { values: { token: "t" } } },
        { type: "visible", data: { visible: true } },
      ]);
    }, 20_000);
  });

  it("stays open from page to page", () => {
    start();
    api.open();
    document.body.replaceChildren();
    start();
    expect(panel().dataset["shown"]).toBe("true");
  });

  it("shows no bubble to a page with a button of its own", () => {
    start({ launcher: "none" });
    expect(root().querySelector(".bubble")).toBeNull();
    api.open();
    expect(panel().dataset["shown"]).toBe("true");
  });

  it("lets a listener's mistake hurt nobody else", () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    start();
    const heard: string[] = [];
    api.on("open", () => {
      throw new Error("theirs");
    });
    api.on("open", () => heard.push("open"));
    api.open();
    expect(heard).toEqual(["open"]);
    expect(error).toHaveBeenCalledOnce();
  });
});
