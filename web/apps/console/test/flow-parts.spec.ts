import { ApiError } from "@kefu/client";
import { describe, expect, it } from "vitest";
import { readFlow } from "../src/flows/document";
import { refusalOf } from "../src/flows/refusal";
import { summary } from "../src/flows/summary";
import { begun, idFor, TEMPLATES, type Template } from "../src/flows/templates";
import { argumentsOf, credentialsOf, definitionOf, draftOf } from "../src/flows/tool";
import { cameOf, textOf, valueOf, wordsOf } from "../src/flows/values";
import { failing } from "../src/past-tests";

describe("values in fields", () => {
  it("are what they look like, and templates stay texts", () => {
    expect(["3", "-1.5", "true", "null", "[1, 2]", "{{ people }}", "shipped", "{% if a %}"].map(valueOf)).toEqual([
      3,
      -1.5,
      true,
      null,
      [1, 2],
      "{{ people }}",
      "shipped",
      "{% if a %}",
    ]);
    for (const value of [3, true, null, [1, 2], "{{ people }}"]) expect(valueOf(textOf(value))).toEqual(value);
  });

  it("are codes, not numbers, where a number would be written in another way", () => {
    const codes = ["0012", "00", "1.50", "-0", "12345678901234567890"];
    expect(codes.map(valueOf)).toEqual(codes);
  });

  it("are words by language, or one list for all", () => {
    expect(wordsOf(["a"])).toEqual({ "*": ["a"] });
    expect(wordsOf({ en: ["a"], zh: [1] })).toEqual({ en: ["a"], zh: ["1"] });
    expect(wordsOf("a")).toEqual({});
  });
});

describe("templates", () => {
  it.each(Object.keys(TEMPLATES) as Template[])(
    "%s is a flow in both languages, under the name that it is given",
    (name) => {
      const { flow } = readFlow(begun(name, "mine"));
      expect(flow?.id).toBe("mine");
      expect(flow?.languages).toEqual(["en", "zh"]);
      expect(flow?.steps.length).toBeGreaterThan(0);
    },
  );

  it("get ids that are free", () => {
    expect(idFor("Book a table!", "appointment", [])).toBe("book_a_table");
    expect(idFor("订位", "appointment", ["appointment"])).toBe("appointment_2");
  });
});

describe("a step in the picture", () => {
  it("says what it does in a few words", () => {
    const { flow } = readFlow(
      "id: a\nslots: {day: {question: {en: Which day?}}}\nsteps:\n- ask: day\n- set: {total: 3, day: null}\n- hand_over: {reason: late, team: desk}\n- say: hi\nreplies: {hi: {en: Hello}}\n",
    );
    expect(flow?.steps.map((step) => summary(flow, step, "en"))).toEqual([
      "day: Which day?",
      "total = 3, day = ∅",
      "late · desk",
      "Hello",
    ]);
  });
});

describe("tests that refuse a change", () => {
  it("are named, each once", () => {
    const failure = { file: "a.yaml", test: "socks", line: 3, said: "", wanted: "", got: "" };
    const report = { failures: [failure, failure, { ...failure, test: "milk" }] };
    expect(failing(new ApiError(409, "tests_failed", "2 of 3 tests fail.", { report }))).toEqual([
      "a.yaml: socks",
      "a.yaml: milk",
    ]);
    expect(failing(new ApiError(500, "internal_error", "Oh"))).toEqual([]);
  });
});

describe("a call in a tried conversation", () => {
  it("says what was answered, or why there is no answer", () => {
    const call = { problem: "", outputs: { status: "open" }, state: "done" };
    expect(cameOf(call)).toBe('{"status":"open"}');
    expect(cameOf({ ...call, problem: "timeout" })).toBe("timeout");
    expect(cameOf({ ...call, outputs: undefined })).toBe("done");
  });
});

describe("a tool", () => {
  const tool = {
    name: "shop.order",
    url: "https://api.shop.example/orders/{order_number}",
    method: "GET",
    timeout_seconds: 5,
    retries: 1,
    allowed_hosts: ["files.shop.example"],
    parameters: { language: { type: "text" } },
    outputs: { status: "$.status" },
    samples: [{ status: 200, body: { status: "shipped" } }],
  };

  it("comes out of its form as it went in", () => {
    expect(definitionOf(draftOf(tool))).toEqual({ definition: tool, errors: {} });
  });

  it("takes numbers as their fields give them", () => {
    const typed = definitionOf({ ...draftOf(tool), timeout: 2, retries: 1 }).definition;
    expect([typed.timeout_seconds, typed.retries]).toEqual([2, 1]);
    expect(definitionOf({ ...draftOf(tool), timeout: "" }).definition.timeout_seconds).toBeUndefined();
  });

  it("names the field whose YAML cannot be read", () => {
    const { errors } = definitionOf({ ...draftOf(tool), outputs: "status: [" });
    expect(Object.keys(errors)).toEqual(["outputs"]);
  });

  it("is told its parameters and what its address has places for", () => {
    expect(argumentsOf(tool)).toEqual(["language", "order_number"]);
  });

  it("keeps its credentials until others are given", () => {
    expect(credentialsOf({ kind: "", name: "", value: "" })).toBeUndefined();
    expect(credentialsOf({ kind: "basic", name: "mei", value: "x" })).toEqual({
      kind: "basic",
      user: "mei",
      password: "x",
    });
    expect(credentialsOf({ kind: "header", name: "X-Key", value: "x" })).toEqual({
      kind: "header",
      name: "X-Key",
      value: "x",
    });
  });
});

describe("what did not go live", () => {
  it("says which tests fail or what is wrong with it", () => {
    const report = { passed: false, total: 2, failed: 1, seconds: 0.1, failures: [], coverage: {} };
    expect(refusalOf(new ApiError(409, "tests_failed", "", { report }))?.report?.failed).toBe(1);
    expect(refusalOf(new ApiError(422, "bad_flow", "", { problems: [{ line: 3 }] }))?.problems).toHaveLength(1);
    expect(refusalOf(new ApiError(403, "not_allowed", ""))).toBeNull();
  });
});
