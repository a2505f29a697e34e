import type { Message, Outgoing } from "@kefu/client";
import { describe, expect, it } from "vitest";
import { clock, dayName } from "../src/dates";
import { httpUrl } from "../src/links";
import { readPlace } from "../src/place";
import { layRows, type Row } from "../src/rows";
import { createTexts } from "../src/texts";

const place = (address: string, languages: string[] = ["en"]) =>
  readPlace(new URL(address, "https://kefu.example"), languages);

describe("readPlace", () => {
  it("knows the full page", () => {
    expect(place("/chat/ch_1", ["zh-CN", "en"])).toEqual({
      mode: "page",
      channel: "ch_1",
      language: "zh",
      theme: "auto",
      host: null,
    });
    expect(place("/chat/ch_1?lang=en&theme=dark", ["zh-CN"])).toMatchObject({ language: "en", theme: "dark" });
    expect(place("/chat/ch_1", ["fr", "de"])).toMatchObject({ language: null });
  });

  it("knows the frame and the page around it", () => {
    expect(place("/widget/ch_1#origin=https%3A%2F%2Fshop.example&language=zh&theme=light")).toEqual({
      mode: "frame",
      channel: "ch_1",
      language: "zh",
      theme: "light",
      host: "https://shop.example",
    });
    expect(place("/widget/ch_1?lang=zh")).toMatchObject({ mode: "page", language: "zh", host: null });
    expect(place("/chat/ch_1#origin=https%3A%2F%2Fshop.example")).toMatchObject({ mode: "page", host: null });
  });

  it("is nowhere else", () => {
    for (const address of ["/", "/chat/", "/chat/a/b", "/other/ch_1"]) expect(place(address)).toBeNull();
  });
});

describe("layRows", () => {
  const said = (sequence: number, part: Partial<Message> = {}): Message => ({
    id: `m${sequence}`,
    conversation: "c",
    sequence,
    author: "assistant",
    author_name: null,
    text: "",
    created_at: new Date().toISOString(),
    outcome: "",
    turn: null,
    answer: null,
    attachments: [],
    thumb: null,
    pressed: null,
    ...part,
  });
  const unsent = (key: string, part: Partial<Outgoing> = {}): Outgoing => ({
    key,
    text: key,
    attachments: [],
    pressed: null,
    at: 0,
    state: "queued",
    attempts: 0,
    anchor: null,
    error: null,
    ...part,
  });
  const none = { messages: [], outgoing: [], drafts: new Map<string, string>(), sentAs: new Map<string, string>() };
  const keys = (rows: Row[]): string[] => rows.map(({ key }) => key);

  it("puts a message in flight where it was first tried, and others at the end", () => {
    const rows = layRows({
      ...none,
      messages: [said(1), said(3)],
      outgoing: [
        unsent("flying", { state: "sending", anchor: 1 }),
        unsent("later"),
        unsent("bad", { state: "failed", anchor: 0 }),
      ],
    });
    expect(keys(rows)).toEqual(["m1", "out:flying", "m3", "out:later", "out:bad"]);
  });

  it("keeps the element of an answer that was streamed and of a message that was sent", () => {
    const drafts = new Map([["t1", "half"]]);
    expect(keys(layRows({ ...none, drafts }))).toEqual(["turn:t1"]);
    const messages = [said(1, { author: "contact" }), said(2, { turn: "t1" }), said(3, { turn: "t1" })];
    expect(keys(layRows({ ...none, messages, sentAs: new Map([["m1", "k"]]) }))).toEqual(["out:k", "turn:t1", "m3"]);
  });

  it("names an author once for what they say in one go", () => {
    const at = (minutes: number): string => new Date(Date.UTC(2026, 0, 1, 12, minutes)).toISOString();
    const rows = layRows({
      ...none,
      messages: [
        said(1, { created_at: at(0) }),
        said(2, { created_at: at(1) }),
        said(3, { created_at: at(9) }),
        said(4, { created_at: at(9), author: "member", author_name: "Mei" }),
      ],
    });
    expect(rows[0]?.kind).toBe("day");
    expect(rows.flatMap((row) => (row.kind === "message" ? [row.opens] : []))).toEqual([true, false, true, true]);
  });
});

describe("dates", () => {
  const { t, language } = createTexts("en");
  const today = new Date(2026, 2, 1, 9, 5);

  it("name days as people do", () => {
    expect(dayName(today, today, "en", t)).toBe("Today");
    expect(dayName(new Date(2026, 1, 28), today, "en", t)).toBe("Yesterday");
    expect(dayName(new Date(2026, 0, 5), today, "en", t)).toBe("Mon, January 5");
    expect(dayName(new Date(2025, 0, 5), today, "en", t)).toBe("Sun, January 5, 2025");
    language.value = "zh";
    expect(dayName(today, today, "zh", t)).toBe("今天");
    expect(dayName(new Date(2026, 0, 5), today, "zh", t)).toBe("1月5日周一");
  });

  it("tell the time", () => {
    expect(clock(today, "zh")).toBe("09:05");
  });
});

it("httpUrl lets only http(s) be followed", () => {
  expect(httpUrl("https://a.example/x")).toBe("https://a.example/x");
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "//a.example", "help/page.md", "", null]) {
    expect(httpUrl(bad)).toBeNull();
  }
});
