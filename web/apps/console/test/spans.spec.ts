import { describe, expect, it } from "vitest";
import type { Message, PassageSpan } from "../src/desk/types";
import { rowsOf } from "../src/inbox/rows";
import { piecesOf } from "../src/knowledge/spans";

const span = (id: string, start: number, end: number): PassageSpan => ({
  id,
  start,
  end,
  kind: "text",
  headings: [],
  questions: [],
  answer: null,
});

describe("a document's pieces", () => {
  it("cover the text once, in order, passages and what lies between", () => {
    const pieces = piecesOf(20, [span("b", 10, 15), span("a", 2, 6)]);
    expect(pieces.map(({ start, end, passage }) => [start, end, passage?.id ?? null])).toEqual([
      [0, 2, null],
      [2, 6, "a"],
      [6, 10, null],
      [10, 15, "b"],
      [15, 20, null],
    ]);
  });

  it("show what two passages share once, and never past the text", () => {
    const pieces = piecesOf(10, [span("a", 0, 6), span("b", 4, 12), span("c", 5, 6)]);
    expect(pieces.map(({ start, end, passage }) => [start, end, passage?.id ?? null])).toEqual([
      [0, 6, "a"],
      [6, 10, "b"],
    ]);
  });
});

describe("a conversation's rows", () => {
  const said = (id: string, created_at: string, part: Partial<Message> = {}): Message => ({
    id,
    conversation: "conv_1",
    sequence: 1,
    author: "contact",
    author_id: "con_1",
    author_name: null,
    text: id,
    masked: false,
    created_at,
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

  it("have a line for each day, and a name for each stretch of one author", () => {
    const rows = rowsOf([
      said("a", "2026-11-20T12:00:00Z"),
      said("b", "2026-11-20T12:01:00Z"),
      said("c", "2026-11-20T12:20:00Z"),
      said("d", "2026-11-20T12:21:00Z", { author: "member", author_id: "mem_1" }),
      said("e", "2026-11-20T12:21:30Z", { author: "member", author_id: "mem_1", internal: true }),
      said("f", "2026-11-22T12:00:00Z"),
    ]);
    expect(rows.map((row) => (row.kind === "day" ? "day" : `${row.message.id}${row.first ? "*" : ""}`))).toEqual([
      "day",
      "a*",
      "b",
      "c*",
      "d*",
      "e*",
      "day",
      "f*",
    ]);
  });
});
