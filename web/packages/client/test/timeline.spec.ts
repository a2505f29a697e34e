import { describe, expect, it } from "vitest";
import { Timeline, backoffDelay, type Message } from "../src";

const message = (sequence: number, text = `message ${sequence}`): Message => ({
  id: `m${sequence}`,
  conversation: "c1",
  sequence,
  author: "contact",
  author_name: null,
  text,
  created_at: "2026-11-21T10:00:00Z",
  outcome: "",
  turn: null,
  answer: null,
  attachments: [],
  thumb: null,
  pressed: null,
});
const sequences = (timeline: Timeline): number[] => timeline.messages.map(({ sequence }) => sequence);

describe("Timeline", () => {
  it("keeps order and each message once, however they arrive", () => {
    const timeline = new Timeline();
    for (const sequence of [2, 1, 3, 2, 1]) timeline.add(message(sequence));
    expect(sequences(timeline)).toEqual([1, 2, 3]);
  });

  it("says when something before a message may be missing", () => {
    const timeline = new Timeline();
    expect(timeline.add(message(1))).toBe(false);
    expect(timeline.add(message(4))).toBe(true);
    expect(timeline.complete).toBe(1);
    timeline.fill(1, [message(2), message(4)]); // 3 is a note that contacts never see
    expect(timeline.complete).toBe(4);
    expect(timeline.add(message(5))).toBe(false);
  });

  it("does not take an answer about a later part for the whole", () => {
    const timeline = new Timeline();
    timeline.add(message(1));
    timeline.fill(5, [message(6)]);
    expect(timeline.complete).toBe(1);
  });

  it("replaces a message by its newer state", () => {
    const timeline = new Timeline();
    timeline.add(message(1, "before"));
    timeline.add(message(1, "after"));
    expect(timeline.messages.map(({ text }) => text)).toEqual(["after"]);
  });
});

describe("backoffDelay", () => {
  it("doubles to half a minute, half of it by chance", () => {
    expect(backoffDelay(0, () => 0)).toBe(250);
    expect(backoffDelay(0, () => 1)).toBe(500);
    expect(backoffDelay(3, () => 1)).toBe(4000);
    expect(backoffDelay(99, () => 0)).toBe(15_000);
    expect(backoffDelay(99, () => 1)).toBe(30_000);
  });
});
