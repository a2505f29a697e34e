import { describe, expect, it } from "vitest";
import { en } from "../src/texts/en";
import { zh } from "../src/texts/zh";

type Entry = string | { one: string; other: string };
const forms = (entry: Entry): string[] => (typeof entry === "string" ? [entry] : [entry.one, entry.other]);
const fields = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();

describe("the two dictionaries", () => {
  const english: Record<string, Entry> = en;
  const chinese: Record<string, Entry> = zh;

  it("have the same keys", () => {
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
  });

  it("fill in the same fields", () => {
    for (const [key, entry] of Object.entries(english)) {
      const wanted = [...new Set(forms(entry).flatMap(fields))].sort();
      const given = [...new Set(forms(chinese[key] ?? "").flatMap(fields))].sort();
      expect({ key, fields: given }).toEqual({ key, fields: wanted });
    }
  });

  it("leave nothing empty", () => {
    for (const [key, entry] of [...Object.entries(english), ...Object.entries(chinese)])
      for (const text of forms(entry)) expect(text.trim(), key).not.toBe("");
  });

  it("lose no text where areas share a key", async () => {
    const areas = await Promise.all([
      import("../src/texts/en/common"),
      import("../src/texts/en/inbox"),
      import("../src/texts/en/knowledge"),
      import("../src/texts/en/assistant"),
      import("../src/texts/en/channels"),
      import("../src/texts/en/company"),
      import("../src/texts/en/models"),
      import("../src/texts/en/flows"),
      import("../src/texts/en/insights"),
    ]);
    const keys = areas.flatMap((area) => Object.values(area).flatMap((texts) => Object.keys(texts as object)));
    expect(keys.length).toBe(new Set(keys).size);
  });
});
