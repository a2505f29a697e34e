import { describe, expect, it } from "vitest";
import type { Source } from "../src/desk/types";
import { inOrder, isTroubled } from "../src/knowledge/order";
import { titleOf } from "../src/knowledge/titles";

const NOW = Date.parse("2026-05-04T12:00:00Z");

function source(name: string, minutesAgo: number, part: Partial<Source> = {}): Source {
  const at = new Date(NOW - minutesAgo * 60_000).toISOString();
  return {
    id: name,
    name,
    kind: "file",
    address: "",
    state: "ready",
    failures: [],
    done: 0,
    total: 0,
    documents: 1,
    held: null,
    created_at: at,
    updated_at: at,
    ...part,
  };
}

describe("the order of sources", () => {
  it("puts trouble first, then what is at work, then what is new, then the rest as it came", () => {
    const given = [
      source("a.md", 5_000),
      source("b.md", 30),
      source("c.md", 4_000, { state: "failed" }),
      source("d.md", 2, { state: "reading" }),
      source("e.md", 9_000, { failures: [{ name: "e", reason: "empty" }] }),
      source("f.md", 3),
      source("g.md", 4_999),
    ];
    expect(inOrder(given, NOW).map(({ name }) => name)).toEqual([
      "c.md",
      "e.md",
      "d.md",
      "f.md",
      "b.md",
      "a.md",
      "g.md",
    ]);
  });

  it("knows what waits for somebody", () => {
    expect(isTroubled(source("a", 1))).toBe(false);
    expect(isTroubled(source("a", 1, { state: "held" }))).toBe(true);
  });
});

describe("the title of a page", () => {
  it("is what a sheet holds where its file is called by a language alone", () => {
    expect(titleOf({ title: "en", name: "faq/en.csv" })).toBe("Questions and answers (English)");
    expect(titleOf({ title: "it", name: "faq/it.csv" })).toBe("it");
    expect(titleOf({ title: "zh", name: "notes/zh.md" })).toBe("zh");
    expect(titleOf({ title: "Returns", name: "returns.csv" })).toBe("Returns");
    expect(titleOf({ title: "", name: "returns.csv" })).toBe("returns.csv");
  });
});
