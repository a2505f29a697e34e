import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveSocket, liveUrl, type LiveEvent, type LiveState } from "../src";

/** The server's end of each connection that was opened. */
class Wire {
  static opened: Wire[] = [];
  sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    Wire.opened.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const latest = (): Wire => Wire.opened.at(-1) as Wire;

function ready(event: number): void {
  latest().onopen?.();
  latest().say({ type: "ready", event });
}

function setOnline(online: boolean): void {
  vi.spyOn(navigator, "onLine", "get").mockReturnValue(online);
  window.dispatchEvent(new Event(online ? "online" : "offline"));
}

describe("LiveSocket", () => {
  let states: LiveState[];
  let events: LiveEvent[];
  let renewed: number;
  let socket: LiveSocket;

  beforeEach(() => {
    vi.useFakeTimers();
    Wire.opened = [];
    states = [];
    events = [];
    renewed = 0;
    socket = new LiveSocket({
      url: "wss://kefu.example/v1/live",
      token: () => `token-${renewed}`,
      onEvent: (event) => events.push(event),
      onState: (state) => states.push(state),
      onBadToken: async () => {
        renewed++;
      },
      WebSocket: Wire as unknown as typeof WebSocket,
    });
    socket.start();
  });

  afterEach(() => {
    socket.stop();
    vi.useRealTimers();
  });

  it("says hello and is ready when the server is", () => {
    latest().onopen?.();
    expect(latest().sent).toEqual([{ type: "hello", token: "token-0", after: null }]);
    latest().say({ type: "ready", event: 7 });
    expect(states).toEqual(["connecting", "ready"]);
  });

  it("comes back after a cut and resumes after the last event heard", () => {
    ready(7);
    latest().say({ type: "conversation.updated", event: 9, conversation: { id: "c1", status: "open" } });
    latest().onclose?.({ code: 1006 });
    expect(states.at(-1)).toBe("waiting");
    vi.advanceTimersByTime(500);
    latest().onopen?.();
    expect(Wire.opened).toHaveLength(2);
    expect(latest().sent).toEqual([{ type: "hello", token: "token-0", after: 9 }]);
  });

  it("waits longer after each failure, and no longer once it was ready", () => {
    for (let i = 0; i < 4; i++) {
      latest().onclose?.({ code: 1006 });
      vi.advanceTimersByTime(500 * 2 ** i);
    }
    expect(Wire.opened).toHaveLength(5);
    ready(1);
    latest().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(500);
    expect(Wire.opened).toHaveLength(6);
  });

  it("gets another token when the server does not know this one", async () => {
    latest().onclose?.({ code: 4401 });
    await vi.advanceTimersByTimeAsync(500);
    latest().onopen?.();
    expect(latest().sent).toMatchObject([{ token: "token-1" }]);
  });

  it("takes its time when told that there are too many", () => {
    latest().onclose?.({ code: 4429 });
    vi.advanceTimersByTime(7_000);
    expect(Wire.opened).toHaveLength(1);
    vi.advanceTimersByTime(9_000);
    expect(Wire.opened).toHaveLength(2);
  });

  it("pings a silent connection and leaves a dead one", () => {
    ready(1);
    vi.advanceTimersByTime(25_000);
    expect(latest().sent).toContainEqual({ type: "ping" });
    latest().say({ type: "pong" });
    vi.advanceTimersByTime(25_000 + 9_000);
    expect(states.at(-1)).toBe("ready");
    vi.advanceTimersByTime(1_000);
    expect(latest().closed).toBe(true);
    expect(states.at(-1)).toBe("waiting");
  });

  it("gives up on a server that accepts and then says nothing", () => {
    latest().onopen?.();
    vi.advanceTimersByTime(10_000);
    expect(states.at(-1)).toBe("waiting");
  });

  it("waits for the network when it is gone, and connects at once when it is back", () => {
    ready(1);
    setOnline(false);
    expect(states.at(-1)).toBe("offline");
    vi.advanceTimersByTime(120_000);
    expect(Wire.opened).toHaveLength(1);
    setOnline(true);
    expect(Wire.opened).toHaveLength(2);
  });

  it("passes over what it does not understand", () => {
    ready(1);
    latest().say({ type: "something.newer", event: 2 });
    latest().onmessage?.({ data: "not json" });
    latest().say({ type: "typing", conversation: "c1", author: "member", name: "Mei" });
    expect(events.map(({ type }) => type)).toEqual(["typing"]);
  });

  it("does not come back once stopped", () => {
    ready(1);
    socket.stop();
    vi.advanceTimersByTime(60_000);
    expect(Wire.opened).toHaveLength(1);
    expect(latest().closed).toBe(true);
  });
});

it("liveUrl stands beside the page's origin", () => {
  expect(liveUrl("https://kefu.example")).toBe("wss://kefu.example/v1/live");
  expect(liveUrl("http://localhost:8000")).toBe("ws://localhost:8000/v1/live");
});
