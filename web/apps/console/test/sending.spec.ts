import { ApiError, NetworkError } from "@kefu/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Message } from "../src/desk/types";
import { notYetShown, Sending, type Outgoing } from "../src/inbox/sending";

const said = (text: string, sequence: number, part: Partial<Message> = {}): Message => ({
  id: `msg_${sequence}`,
  conversation: "conv_1",
  sequence,
  author: "member",
  author_id: "mem_me",
  author_name: "Mei",
  text,
  masked: false,
  created_at: "2026-11-21T10:00:00Z",
  outcome: "",
  turn: null,
  answer: null,
  attachments: [],
  internal: false,
  thumb: "",
  verdict: "",
  delivery: null,
  ...part,
});

const entry = (text: string, part: Partial<Outgoing> = {}): Outgoing => ({
  key: text,
  text,
  attachments: [],
  internal: false,
  at: "2026-11-21T10:00:00Z",
  state: "sending",
  anchor: 5,
  error: null,
  ...part,
});

describe("what is on its way", () => {
  it("is not shown twice when the socket is faster than the answer", () => {
    expect(notYetShown([entry("hello")], [said("hello", 6)], "mem_me")).toEqual([]);
  });

  it("stays while only somebody else, or an earlier message, says the same", () => {
    const others = [
      said("hello", 4),
      said("hello", 6, { author_id: "mem_other" }),
      said("hello", 7, { internal: true }),
    ];
    expect(notYetShown([entry("hello")], others, "mem_me")).toHaveLength(1);
  });

  it("is matched one to one: the second of two same texts stays", () => {
    const both = [entry("ok", { key: "a" }), entry("ok", { key: "b" })];
    expect(notYetShown(both, [said("ok", 6)], "mem_me").map(({ key }) => key)).toEqual(["b"]);
  });

  it("is told from a message with other files", () => {
    const file = (id: string) => ({
      id,
      kind: "image" as const,
      name: "a.png",
      media_type: "image/png",
      size: 1,
      label: "",
      confidence: null,
    });
    const stored = said("", 6, { attachments: [file("att_1")] });
    expect(notYetShown([entry("", { attachments: [file("att_2")] })], [stored], "mem_me")).toHaveLength(1);
    expect(notYetShown([entry("", { attachments: [file("att_1")] })], [stored], "mem_me")).toEqual([]);
  });

  it("is known again though it is stored masked", () => {
    const masked = said("Call <PHONE_1>", 6, { masked: true });
    expect(notYetShown([entry("Call 13800138000")], [masked], "mem_me")).toEqual([]);
  });

  it("stays when it was refused", () => {
    expect(notYetShown([entry("hello", { state: "failed" })], [said("hello", 6)], "mem_me")).toHaveLength(1);
  });
});

describe("sending", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("goes on where an earlier page was left, with the same key", async () => {
    const tried: string[] = [];
    const kept: string[][] = [];
    const left = [entry("one", { key: "k1" }), entry("two", { key: "k2", state: "failed" })];
    const sending = new Sending(
      ({ key, text }) => {
        tried.push(key);
        return Promise.resolve(said(text, 9));
      },
      () => undefined,
      left,
      (entries) => kept.push(entries.map(({ key }) => key)),
    );
    await vi.runAllTimersAsync();
    expect(tried).toEqual(["k1"]);
    expect(kept.at(-1)).toEqual(["k2"]);
    expect(sending.entries.value.map(({ state }) => state)).toEqual(["failed"]);
  });

  it("tries again with the same key until it is stored, in order", async () => {
    const tried: { key: string; text: string }[] = [];
    const stored: Message[] = [];
    let failures = 2;
    const sending = new Sending(
      ({ key, text }) => {
        tried.push({ key, text });
        return failures-- > 0 ? Promise.reject(new NetworkError("away")) : Promise.resolve(said(text, tried.length));
      },
      (message) => stored.push(message),
    );
    sending.add("one", [], false, 0);
    sending.add("two", [], false, 0);
    await vi.runAllTimersAsync();

    expect(tried.map(({ text }) => text)).toEqual(["one", "one", "one", "two"]);
    expect(new Set(tried.slice(0, 3).map(({ key }) => key)).size).toBe(1);
    expect(stored.map(({ text }) => text)).toEqual(["one", "two"]);
    expect(sending.entries.value).toEqual([]);
  });

  it("keeps what was refused, says why, and goes on with the next", async () => {
    const conflict = new ApiError(409, "conflict", "Somebody has it.", { owner: { id: "mem_li", name: "Li" } });
    const sending = new Sending(
      ({ text }) => (text === "mine" ? Promise.reject(conflict) : Promise.resolve(said(text, 1, { internal: true }))),
      () => undefined,
    );
    sending.add("mine", [], false, 0);
    sending.add("note", [], true, 0);
    await vi.runAllTimersAsync();
    expect(sending.entries.value).toMatchObject([{ text: "mine", state: "failed", error: conflict }]);
  });

  it("stops trying when its conversation is left", async () => {
    let tries = 0;
    const sending = new Sending(
      () => {
        tries++;
        return Promise.reject(new NetworkError("away"));
      },
      () => undefined,
    );
    sending.add("one", [], false, 0);
    await vi.advanceTimersByTimeAsync(0);
    sending.stop();
    await vi.runAllTimersAsync();
    expect(tries).toBe(1);
  });
});
