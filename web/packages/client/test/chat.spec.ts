import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Cell, MemoryStore, createChat, type Chat, type Message, type Surroundings } from "../src";
import { FakeKefu } from "./fake-kefu";

/** A device that is neither a page nor told about by one, as React Native is to the client. */
class Device implements Surroundings {
  online = true;
  active = true;
  private readonly watchers = new Set<() => void>();
  readonly isOnline = (): boolean => this.online;
  readonly isActive = (): boolean => this.active;
  readonly watch = (changed: () => void) => {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  };

  turn(what: Partial<Pick<Device, "online" | "active">>): void {
    Object.assign(this, what);
    for (const changed of [...this.watchers]) changed();
  }

  get watched(): number {
    return this.watchers.size;
  }
}

describe("createChat", () => {
  let kefu: FakeKefu;
  let device: Device;
  let store: MemoryStore;
  let chat: Chat;

  const open = (): Chat =>
    createChat({
      server: "https://kefu.example",
      channel: "ch_1",
      store,
      fetch: kefu.fetch,
      WebSocket: kefu.WebSocket,
      surroundings: device,
    });

  const texts = (): string[] => chat.messages.value.map(({ author, text }) => `${author}: ${text}`);

  async function ready(): Promise<void> {
    await chat.start();
    await vi.waitFor(() => {
      expect(chat.live.value).toBe("ready");
    }, 20_000);
  }

  beforeEach(() => {
    vi.useFakeTimers();
    kefu = new FakeKefu();
    device = new Device();
    store = new MemoryStore();
    chat = open();
  });

  afterEach(() => {
    chat.stop();
    vi.useRealTimers();
  });

  it("streams an answer, tells of it once, and keeps nothing of the page's", async () => {
    const heard: string[] = [];
    chat.on("sent", ({ text }) => heard.push(`sent ${text}`));
    chat.on("piece", ({ text }) => heard.push(`piece ${text}`));
    chat.on("received", ({ text }) => heard.push(`received ${text}`));
    await ready();
    await chat.send("Hello");
    const turn = kefu.messages[0]?.turn as string;
    kefu.delta(turn, "Good ");
    kefu.delta(turn, "day");
    expect([...chat.drafts.value.values()]).toEqual(["Good day"]);
    kefu.say("assistant", "Good day.", { turn });
    expect(heard).toEqual(["sent Hello", "piece Good ", "piece day", "received Good day."]);
    expect(chat.drafts.value.size).toBe(0);
    expect(localStorage.length).toBe(0);
  });

  it("tells once of an answer that the socket brings while it is asked for", async () => {
    const heard: string[] = [];
    chat.on("received", ({ text }) => heard.push(text));
    await ready();
    await chat.send("Hello");
    kefu.cut(); // it comes back and asks what it missed
    const { page } = kefu;
    kefu.page = function (query) {
      kefu.page = page;
      kefu.say("assistant", "Good day.");
      return page.call(kefu, query);
    };
    await vi.advanceTimersByTimeAsync(5_000);
    expect(heard).toEqual(["Good day."]);
    expect(texts()).toEqual(["contact: Hello", "assistant: Good day."]);
  });

  it("sends what was written offline once the device says that it is online", async () => {
    await ready();
    await chat.send("one");
    kefu.network = false;
    kefu.cut();
    device.turn({ online: false });
    await chat.send("two");
    expect(chat.live.value).toBe("offline");
    expect(chat.outgoing.value.map(({ text, state }) => [text, state])).toEqual([["two", "queued"]]);
    kefu.network = true;
    device.turn({ online: true });
    await vi.advanceTimersByTimeAsync(0);
    expect(texts()).toEqual(["contact: one", "contact: two"]);
  });

  it("goes on after the app was closed, with what was not sent", async () => {
    await ready();
    await chat.send("one");
    kefu.lose.push("/messages");
    await chat.send("two");
    chat.stop();
    chat = open();
    await ready();
    expect(texts()).toEqual(["contact: one", "contact: two"]);
    expect(kefu.messages).toHaveLength(2);
    expect(chat.isReturning).toBe(true);
  });

  it("takes a pressed button with its value, over a lost connection too", async () => {
    await ready();
    kefu.lose.push("/messages");
    await chat.send("My phone", { pressed: "new" });
    await vi.advanceTimersByTimeAsync(1_000);
    const bodies = kefu.requests.filter(({ path }) => path.endsWith("/messages")).flatMap(({ body }) => body ?? []);
    expect(bodies).toEqual([
      { text: "My phone", pressed: "new" },
      { text: "My phone", pressed: "new" },
    ]);
    expect(kefu.messages).toMatchObject([{ text: "My phone", pressed: "new" }]);
  });

  it("vouches for a customer from the first visit on", async () => {
    const identity = { id: "user-7", hash: "9f86" };
    chat = createChat({
      ...{ server: "", channel: "ch_1", store, fetch: kefu.fetch, WebSocket: kefu.WebSocket, surroundings: device },
      identity,
      attributes: { plan: "pro" },
    });
    await ready();
    expect(kefu.requests[0]?.body).toEqual({ identity, attributes: { plan: "pro" } });
  });

  it("asks in a while where the platform has no WebSocket, and not while nobody looks", async () => {
    const { WebSocket: theirs } = globalThis;
    Reflect.deleteProperty(globalThis, "WebSocket");
    try {
      chat = createChat({
        server: "https://kefu.example",
        channel: "ch_1",
        store,
        fetch: kefu.fetch,
        surroundings: device,
      });
      await chat.start();
      await chat.send("Hello");
      kefu.say("assistant", "Good day.");
      device.turn({ active: false });
      await vi.advanceTimersByTimeAsync(9_000);
      expect(texts()).toEqual(["contact: Hello"]);
      device.turn({ active: true });
      await vi.advanceTimersByTimeAsync(4_000);
      expect(texts()).toEqual(["contact: Hello", "assistant: Good day."]);
    } finally {
      globalThis.WebSocket = theirs;
    }
  });

  it("hears nothing and asks for nothing once it is stopped", async () => {
    await ready();
    await chat.send("Hello");
    chat.stop();
    const before = kefu.requests.length;
    kefu.say("assistant", "Good day.");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([kefu.requests.length, texts(), device.watched]).toEqual([before, ["contact: Hello"], 0]);
    await ready();
    expect(texts()).toEqual(["contact: Hello", "assistant: Good day."]);
  });

  it("is not hurt by an app's callback that throws", async () => {
    chat.on("received", () => {
      throw new Error("the app's own");
    });
    await ready();
    await chat.send("Hello");
    kefu.say("assistant", "Good day.");
    expect(texts()).toEqual(["contact: Hello", "assistant: Good day."]);
    expect(() => vi.advanceTimersByTime(0)).toThrow("the app's own");
  });

  it("has everything that its reference speaks of", () => {
    const reference = readFileSync("../docs/reference/client.md", "utf-8");
    const used = [...reference.matchAll(/\bchat\.(\w+)/g)].map(([, name]) => name as string);
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((name) => !(name in chat))).toEqual([]);
  });
});

describe("Cell", () => {
  it("tells each change once, to each that watches, until it stops", () => {
    const cell = new Cell<readonly Message[]>([]);
    const heard: number[] = [];
    const stop = cell.subscribe(() => heard.push(cell.get().length));
    cell.value = [{} as Message];
    cell.value = cell.get();
    stop();
    cell.value = [];
    expect(heard).toEqual([1]);
  });
});
