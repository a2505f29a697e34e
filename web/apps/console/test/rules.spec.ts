import { ApiError } from "@kefu/client";
import { afterEach, describe, expect, it } from "vitest";
import { attribute, attributesKept, attributesShown, emptyRule, moodOf, moodsOf } from "../src/assistant/escalations";
import { changesOf } from "../src/audited";
import { useForm } from "../src/form";
import { minutesOf, secondsOf } from "../src/minutes";
import { language } from "../src/texts";

afterEach(() => {
  language.value = "en";
});

describe("a rule that brings in a person", () => {
  it("compares attributes as what they are", () => {
    const contact = attributesKept(["vip=true", "orders=3", "plan=gold = more"]);
    expect(contact).toEqual({ vip: true, orders: 3, plan: "gold = more" });
    expect(attributesShown(contact)).toEqual(["vip=true", "orders=3", "plan=gold = more"]);
  });

  it("takes no attribute without a value", () => {
    expect(["vip", "=gold", "vip=", " vip = true "].map(attribute)).toEqual(["", "", "", "vip=true"]);
  });

  it("keeps its moods", () => {
    for (const mood of ["", "complaint", "angry", "both"] as const)
      expect(moodOf({ ...emptyRule(), moods: moodsOf(mood) })).toBe(mood);
  });
});

describe("what the server refuses", () => {
  it("is shown at the field that it is part of, in words for people", async () => {
    const form = useForm(["refusals", "escalations"]);
    const refuse = (field: string, said: string) => () =>
      Promise.reject(new ApiError(422, "bad_input", `${field}: ${said}`, { field }));
    await form.submit(refuse("policy.refusals", "Input should be less than or equal to 20"));
    expect(form.errors["refusals"]).toBe("At most 20.");
    language.value = "zh";
    await form.submit(refuse("policy.escalations.0.words.1", "Field required"));
    expect(form.errors["escalations"]).toBe("此项必填。");
    expect(form.problem.value).toBe("");
    language.value = "en";
    const channel = useForm(["name", "settings.color", "settings.origins"]);
    await channel.submit(refuse("settings.origins.0", "not a site"));
    expect(channel.errors["settings.origins"]).toBe("not a site");
  });
});

describe("an entry of the audit trail", () => {
  it("names the parts that changed, not the whole that holds them", () => {
    const before = { policy: { tone: "formal", kinds: ["approved"] }, is_on: true, gone: { a: 1 } };
    const after = { policy: { tone: "friendly", kinds: ["approved"] }, is_on: true };
    expect(changesOf(before, after)).toEqual([
      { name: "policy.tone", before: "formal", after: "friendly" },
      { name: "gone", before: '{"a":1}', after: "" },
    ]);
    expect(changesOf(null, { role: "agent" })).toEqual([{ name: "role", before: "", after: "agent" }]);
  });
});

describe("minutes", () => {
  it("never turn a short time into never, and keep what nobody changed", () => {
    expect(minutesOf(0)).toBe(0);
    expect(minutesOf(5)).toBe(1);
    expect(minutesOf(90)).toBe(2);
    expect(secondsOf(1, 5)).toBe(5);
    expect(secondsOf(2, 5)).toBe(120);
    expect(secondsOf(0, 5)).toBe(0);
  });
});
