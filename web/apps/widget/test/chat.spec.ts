import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Chat, type ChatSignal } from "../src/chat";
import { layRows } from "../src/rows";
import { FakeKefu } from "../../../packages/client/test/fake-kefu";

describe("Chat", () => {
  let kefu: FakeKefu;
  let signals: ChatSignal[];
  let chat: Chat;

  function open(): Chat {
    return new Chat({
      channel: "ch_1",
      origin: "https://kefu.example",
      fetch: kefu.fetch,
      sendFile: kefu.sendFile,
      WebSocket: kefu.WebSocket,
      onSignal: (signal) => signals.push(signal),
    });
  }

  /** What stands on screen, from top to bottom. */
  const screen = (of: Chat = chat): string[] =>
    layRows({
      messages: of.thread.messages.value,
      outgoing: of.outbox.entries.value,
      drafts: of.thread.drafts.value,
      sentAs: of.sentAs,
    }).flatMap((row) => {
      if (row.kind === "message") return [`${row.message.author}: ${row.message.text}`];
      if (row.kind === "outgoing") return [`(${row.entry.state}) ${row.entry.text}`];
      return row.kind === "draft" ? [`… ${row.text}`] : [];
    });

  /** Started, and hearing what the server says. */
  async function ready(of: Chat = chat): Promise<void> {
    await of.start();
    await vi.waitFor(() => {
      expect(of.live.value).toBe("ready");
    }, 20_000);
  }

  const settled = () => vi.advanceTimersByTimeAsync(0);

  function setOnline(online: boolean): void {
    kefu.network = online;
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(online);
    if (!online) kefu.cut();
    window.dispatchEvent(new Event(online ? "online" : "offline"));
  }

  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(document, "hasFocus").mockReturnValue(true);
    localStorage.clear();
    kefu = new FakeKefu();
    signals = [];
    chat = open();
    chat.attention.panelVisible.value = true;
  });

  afterEach(() => {
    chat.attention.panelVisible.value = false; // else it begins again at once
    chat.forget();
    vi.useRealTimers();
  });

  it("asks, streams the answer in and ends with the whole of it, once", async () => {
    await ready();
    await chat.send("How much is delivery?");
    const turn = kefu.messages[0]?.turn as string;
    expect(chat.thread.awaiting.value).toBe(true);
    kefu.delta(turn, "Delivery ");
    kefu.delta(turn, "costs ¥12.");
    expect(screen()).toEqual(["contact: How much is delivery?", "… Delivery costs ¥12."]);
    kefu.say("assistant", "Delivery costs ¥12.", { turn });
    kefu.delta(turn, " late piece");
    expect(screen()).toEqual(["contact: How much is delivery?", "assistant: Delivery costs ¥12."]);
    expect(chat.thread.awaiting.value).toBe(false);
    expect(signals.map(({ name }) => name)).toEqual(["conversation:status", "message:sent", "message:received"]);
  });

  it("sends what was written before it was ready", async () => {
    const started = chat.start();
    await chat.send("early");
    await started;
    await vi.waitFor(() => {
      expect(screen()).toEqual(["contact: early"]);
    }, 20_000);
  });

  it("keeps what is written offline, and sends it once, in order, when the network is back", async () => {
    await ready();
    await chat.send("one");
    setOnline(false);
    await chat.send("two");
    await chat.send("three");
    expect(screen()).toEqual(["contact: one", "(queued) two", "(queued) three"]);
    expect(chat.live.value).toBe("offline");
    setOnline(true);
    await settled();
    expect(screen()).toEqual(["contact: one", "contact: two", "contact: three"]);
    expect(kefu.messages.map(({ text }) => text)).toEqual(["one", "two", "three"]);
  });

  it("doubles nothing when the answer to a sent message is lost", async () => {
    await ready();
    await chat.send("first");
    kefu.lose.push("/messages");
    await chat.send("second");
    expect(kefu.messages).toHaveLength(2);
    kefu.say("assistant", "reply to second");
    expect(screen()).toEqual(["contact: first", "(queued) second", "assistant: reply to second"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(screen()).toEqual(["contact: first", "contact: second", "assistant: reply to second"]);
    expect(kefu.messages).toHaveLength(3);
  });

  it("sends after a reload what an earlier visit could not", async () => {
    await ready();
    await chat.send("before");
    setOnline(false);
    await chat.send("kept");
    const later = open();
    kefu.network = true;
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(true);
    await later.start();
    expect(screen(later)).toEqual(["contact: before", "contact: kept"]);
    expect(kefu.messages.map(({ text }) => text)).toEqual(["before", "kept"]);
    expect(localStorage.length).toBeGreaterThan(0);
    expect(Object.keys(localStorage).filter((key) => key.includes("out:"))).toEqual([]);
    later.forget();
  });

  it("does not show a message twice that was stored just before a reload", async () => {
    await ready();
    await chat.send("a");
    kefu.lose.push("/messages");
    await chat.send("b");
    const later = open();
    await later.start();
    expect(screen(later)).toEqual(["contact: a", "contact: b"]);
    expect(kefu.messages).toHaveLength(2);
    later.forget();
  });

  it("gets what it missed while it was away", async () => {
    await ready();
    await chat.send("hello");
    kefu.cut();
    kefu.say("member", "I am Mei", { author_name: "Mei" });
    kefu.say("member", "How can I help?", { author_name: "Mei" });
    expect(screen()).toEqual(["contact: hello"]);
    await vi.advanceTimersByTimeAsync(600);
    expect(screen()).toEqual(["contact: hello", "member: I am Mei", "member: How can I help?"]);
  });

  it("asks for messages before one that came alone", async () => {
    await ready();
    await chat.send("hello");
    const missed = kefu.sockets.splice(0);
    kefu.say("member", "lost on the way");
    kefu.sockets.push(...missed);
    kefu.say("member", "heard");
    await vi.waitFor(() => {
      expect(screen()).toEqual(["contact: hello", "member: lost on the way", "member: heard"]);
    }, 20_000);
  });

  it("drops half an answer when the connection is cut", async () => {
    await ready();
    await chat.send("hello");
    const turn = kefu.messages[0]?.turn as string;
    kefu.delta(turn, "Half an ");
    kefu.cut();
    expect(screen()).toEqual(["contact: hello"]);
    expect(chat.thread.awaiting.value).toBe(true);
    kefu.say("assistant", "A whole answer.", { turn });
    await vi.advanceTimersByTimeAsync(600);
    expect(screen()).toEqual(["contact: hello", "assistant: A whole answer."]);
  });

  it("hears without a socket too, by asking", async () => {
    kefu.hello = (socket) => {
      socket.drop(1006);
    };
    await chat.start();
    await chat.send("hello");
    kefu.say("member", "still here");
    await vi.advanceTimersByTimeAsync(4_000);
    expect(screen()).toEqual(["contact: hello", "member: still here"]);
  });

  it("gets another token when its own has expired, and stays in the conversation", async () => {
    await ready();
    await chat.send("one");
    kefu.expireTokens();
    await chat.send("two");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(screen()).toEqual(["contact: one", "contact: two"]);
    expect(chat.live.value).toBe("ready");
  });

  it("shows why a message was refused, and goes on with the next", async () => {
    await ready();
    await chat.send("first");
    kefu.refuse.push({ path: "/messages", status: 422, code: "too_long" });
    await chat.send("refused");
    await chat.send("accepted");
    expect(screen()).toEqual(["contact: first", "contact: accepted", "(failed) refused"]);
    const [failed] = chat.outbox.entries.value;
    expect(failed?.error).toBe("too_long");
    await chat.outbox.retry(failed?.key as string);
    expect(screen()).toEqual(["contact: first", "contact: accepted", "contact: refused"]);
  });

  it("hands over, is served by a member, and resolves", async () => {
    await ready();
    await chat.send("a person please");
    kefu.delta(kefu.messages[0]?.turn as string, "The assistant was about to say");
    await chat.handOver();
    expect(chat.status.value).toBe("waiting");
    expect(screen()).toEqual(["contact: a person please"]);
    expect(chat.thread.awaiting.value).toBe(false);
    kefu.update("open");
    kefu.emit({ type: "typing", conversation: "conv_1", author: "member", name: "Mei" });
    expect(chat.thread.typist.value).toEqual({ name: "Mei" });
    kefu.say("member", "Hello", { author_name: "Mei" });
    expect(chat.thread.typist.value).toBeNull();
    await chat.resolve();
    expect(chat.status.value).toBe("resolved");
  });

  it("asks the assistant again while nobody has come", async () => {
    await ready();
    await chat.send("a person please");
    await chat.handOver();
    expect(await chat.askAssistant()).toBe(true);
    expect(chat.status.value).toBe("bot");
  });

  it("takes an address when nobody came", async () => {
    await ready();
    await chat.send("anybody?");
    await chat.handOver();
    kefu.emit({ type: "conversation.updated", conversation: { ...kefu.conversation, address_wanted: true } });
    expect(chat.thread.conversation.value?.address_wanted).toBe(true);
    expect(await chat.leaveAddress("a@b.example")).toBe(true);
    expect(kefu.addresses).toEqual(["a@b.example"]);
    expect(chat.thread.conversation.value?.address_wanted).toBe(false);
  });

  it("says when a wish did not work", async () => {
    await ready();
    kefu.network = false;
    expect(await chat.handOver()).toBe(false);
    expect(chat.mishap.value).toBe(true);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(chat.mishap.value).toBe(false);
  });

  it("stays with the customer it has when the page's word for another is wrong", async () => {
    chat.identify({ id: "u1", hash: "wrong" });
    kefu.refuse.push({ path: "/visitors", status: 403, code: "identity_invalid" });
    await chat.start();
    expect(chat.phase.value).toBe("ready");
    expect(signals).toContainEqual({ name: "error", detail: { code: "identity_invalid" } });
  });

  it("counts what came while nobody looked, over reloads too", async () => {
    await ready();
    await chat.send("hello");
    kefu.say("assistant", "seen");
    await settled();
    chat.attention.panelVisible.value = false;
    await settled();
    kefu.say("member", "unseen");
    expect(chat.attention.unread.value).toBe(1);
    const later = open();
    await later.start();
    expect(later.attention.unread.value).toBe(1);
    later.attention.panelVisible.value = true;
    await settled();
    expect(later.attention.unread.value).toBe(0);
    later.attention.panelVisible.value = false;
    later.forget();
  });

  it("asks first who you are when the channel wants it, and only once", async () => {
    kefu.settings = { pre_chat: { fields: [{ name: "email", type: "email", required: true }] } };
    await chat.start();
    expect(chat.phase.value).toBe("form");
    await chat.introduce({ email: "a@b.example" });
    expect(chat.phase.value).toBe("ready");
    expect(kefu.requests.at(-1)?.body).toMatchObject({ token: "token-1", attributes: { email: "a@b.example" } });
    const later = open();
    await later.start();
    expect(later.phase.value).toBe("ready");
    later.forget();
  });

  it("tries again by itself when the server cannot be reached, but not when the chat does not exist", async () => {
    kefu.network = false;
    await chat.start();
    expect(chat.failure.value).toEqual({ code: "network", retrying: true });
    kefu.network = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(chat.phase.value).toBe("ready");

    const other = open();
    kefu.refuse.push({ path: "/visitors", status: 404, code: "not_found" });
    await other.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(other.phase.value).toBe("failed");
    expect(other.failure.value).toEqual({ code: "not_found", retrying: false });
  });

  it("rates an answer, with a reason", async () => {
    await ready();
    await chat.send("hello");
    const message = kefu.say("assistant", "An answer");
    await chat.rate(message, "down", "wrong price");
    expect(kefu.feedback).toEqual([{ value: "down", comment: "wrong price" }]);
    expect(chat.thread.messages.value.at(-1)?.thumb).toBe("down");
  });

  it("sees a conversation that another tab began", async () => {
    await ready();
    const other = open();
    await ready(other);
    await other.send("from the other tab");
    await settled();
    expect(screen()).toEqual(["contact: from the other tab"]);
    other.forget();
  });

  it("begins another conversation when its own was erased", async () => {
    await ready();
    await chat.send("before");
    kefu.refuse.push({ path: "/messages", status: 404, code: "not_found" });
    kefu.messages = [];
    await chat.send("after");
    expect(screen()).toEqual(["contact: after"]);
  });

  it("forgets the customer", async () => {
    await ready();
    await chat.send("secret");
    chat.attention.panelVisible.value = false;
    chat.forget();
    expect(localStorage.length).toBe(0);
    expect(screen()).toEqual([]);
    expect(chat.isReturning).toBe(false);
  });

  it("tells a running session who the customer is", async () => {
    await ready();
    chat.identify({ id: "u1", hash: "abc" });
    await settled();
    expect(kefu.requests.at(-1)).toMatchObject({
      path: "/v1/channels/ch_1/visitors",
      body: { identity: { id: "u1", hash: "abc" } },
    });
  });

  describe("files", () => {
    const image = (name = "lamp.png", size = 10) => new File([new Uint8Array(size)], name, { type: "image/png" });
    const names = (): string[] => chat.files.chosen.value.map(({ name, state }) => `${name} ${state}`);

    it("go up when they are chosen, and with the next message once", async () => {
      await ready();
      chat.files.add([image(), image("back.png")]);
      expect(chat.files.busy.value).toBe(true);
      await settled();
      expect(names()).toEqual(["lamp.png ready", "back.png ready"]);
      expect(kefu.requests.filter(({ path }) => path === "/v1/conversations")).toHaveLength(1);
      kefu.lose.push("/messages");
      await chat.send("Look");
      expect(chat.files.chosen.value).toEqual([]);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(kefu.messages.map(({ text, attachments }) => [text, attachments.length])).toEqual([["Look", 2]]);
      expect(screen()).toEqual(["contact: Look"]);
    });

    it("wait while there is no connection, and are sent without a word", async () => {
      await ready();
      await chat.send("Hello");
      setOnline(false);
      chat.files.add([image()]);
      await settled();
      expect(names()).toEqual(["lamp.png waiting"]);
      setOnline(true);
      await settled();
      await chat.send("");
      expect(kefu.uploads).toHaveLength(1);
      expect(kefu.messages.at(-1)).toMatchObject({ text: "", attachments: [{ id: "att_1" }] });
    });

    it("survive a reload once the message is written", async () => {
      await ready();
      chat.files.add([image()]);
      await settled();
      kefu.network = false;
      void chat.send("Look");
      await settled();
      kefu.network = true;
      const later = open();
      await ready(later);
      expect(kefu.messages.map(({ attachments }) => attachments.length)).toEqual([1]);
    });

    it("are refused with a sentence", async () => {
      await ready();
      const problem = () => chat.files.problem.value;
      chat.files.add([image("big.png", 1_000_001)]);
      expect(problem()).toMatchObject({ text: "file.error.large", values: { name: "big.png" } });
      chat.files.add([image("none.png", 0)]);
      expect(problem()?.text).toBe("file.error.empty");
      kefu.refuseFiles.push({ status: 422, code: "bad_input", reason: "kind" });
      chat.files.add([image("page.svg")]);
      await settled();
      expect([problem()?.text, names()]).toEqual(["file.error.kind", []]);
      kefu.refuseFiles.push({ status: 429, code: "busy", reason: "" });
      chat.files.add([image()]);
      await settled();
      expect(problem()?.text).toBe("file.error.busy");
      chat.files.add([image(), image(), image(), image()]);
      expect([problem()?.text, names().length]).toEqual(["file.error.many", 3]);
    });

    it("that are taken away are not sent", async () => {
      await ready();
      chat.files.add([image(), image("back.png")]);
      chat.files.remove(chat.files.chosen.value[0]?.key ?? "");
      await settled();
      await chat.send("");
      expect(kefu.messages[0]?.attachments.map(({ name }) => name)).toEqual(["back.png"]);
    });
  });
});
