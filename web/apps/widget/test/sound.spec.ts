import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Chat } from "../src/chat";
import { FakeKefu } from "../../../packages/client/test/fake-kefu";

/** The notes that the browser was told to play, in hertz. */
let notes: number[] = [];

class Node {
  connect<T>(next: T): T {
    return next;
  }
}

class Oscillator extends Node {
  constructor(
    _context: unknown,
    private readonly options: { frequency: number },
  ) {
    super();
  }

  start(): void {
    notes.push(this.options.frequency);
  }

  stop(): void {
    /* a note ends by itself */
  }
}

class Gain extends Node {
  readonly gain = Object.fromEntries(
    ["setValueAtTime", "linearRampToValueAtTime", "exponentialRampToValueAtTime"].map((name) => [name, () => 0]),
  );
}

const CALL = [587.33, 880];

describe("the sound of a new message", () => {
  let kefu: FakeKefu;
  let chat: Chat;

  async function open(): Promise<void> {
    chat = new Chat({
      channel: "ch_1",
      origin: "https://kefu.example",
      fetch: kefu.fetch,
      sendFile: kefu.sendFile,
      WebSocket: kefu.WebSocket,
    });
    chat.attention.panelVisible.value = true;
    await chat.start();
    await vi.waitFor(() => {
      expect(chat.live.value).toBe("ready");
    }, 20_000);
    await chat.send("Where is my lamp?");
  }

  const touch = (): void => void window.dispatchEvent(new Event("pointerdown"));

  function hide(hidden: boolean): void {
    vi.spyOn(document, "visibilityState", "get").mockReturnValue(hidden ? "hidden" : "visible");
    vi.spyOn(document, "hasFocus").mockReturnValue(!hidden);
    document.dispatchEvent(new Event("visibilitychange"));
  }

  beforeEach(() => {
    notes = [];
    vi.stubGlobal("AudioContext", class extends Node {});
    vi.stubGlobal("OscillatorNode", Oscillator);
    vi.stubGlobal("GainNode", Gain);
    localStorage.clear();
    kefu = new FakeKefu();
    hide(false);
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("is played while the panel is closed", async () => {
    await open();
    touch();
    chat.attention.panelVisible.value = false;
    kefu.say("member", "It leaves today.");
    expect(notes).toEqual(CALL);
  });

  it("is played while the tab is hidden, and for each message once", async () => {
    await open();
    touch();
    hide(true);
    const said = kefu.say("assistant", "It leaves today.");
    kefu.emit({ type: "reply.completed", conversation: said.conversation, message: said });
    expect(notes).toEqual(CALL);
    kefu.say("member", "I have looked: it left.");
    expect(notes).toEqual([...CALL, ...CALL]);
  });

  it("is not played to a customer who is looking, nor for what is their own or the system's", async () => {
    await open();
    touch();
    kefu.say("assistant", "It leaves today.");
    hide(true);
    kefu.say("contact", "written in another tab");
    kefu.say("system", "Mei joined.");
    expect(notes).toEqual([]);
  });

  it("is not played when it is turned off, in this visit and the next", async () => {
    await open();
    touch();
    chat.attention.toggleMuted();
    hide(true);
    kefu.say("member", "It leaves today.");
    expect(notes).toEqual([]);
    kefu.sockets = []; // the page is gone

    await open();
    touch();
    kefu.say("member", "Are you still there?");
    expect(notes).toEqual([]);
    chat.attention.toggleMuted();
    expect(notes).toEqual(CALL); // so sounds what was turned on
  });

  it("is off where the company says so, until the customer wants it", async () => {
    kefu.settings = { sound: false };
    await open();
    touch();
    hide(true);
    kefu.say("member", "It leaves today.");
    expect(notes).toEqual([]);
    chat.attention.toggleMuted();
    notes = [];
    kefu.say("member", "It has left.");
    expect(notes).toEqual(CALL);
  });

  it("waits for the customer's first touch, which browsers want", async () => {
    await open();
    chat.attention.panelVisible.value = false;
    kefu.say("member", "It leaves today.");
    expect(notes).toEqual([]);
    window.dispatchEvent(new Event("keydown"));
    kefu.say("member", "It has left.");
    expect(notes).toEqual(CALL);
  });
});
