import { ApiError, NetworkError } from "@kefu/client";
import { describe, expect, it } from "vitest";
import { engineOf, isSecret, optionValue, prefixOf } from "../src/assistant/references";
import { withText } from "../src/assistant/draft";
import { ruleRows, withRule } from "../src/assistant/rules";
import { draftOf, settingsOf } from "../src/channels/draft";
import { begun, given, isTroubled } from "../src/channels/plugin";
import { originOf, snippet } from "../src/channels/snippet";
import type { PlugInField } from "../src/desk/types";
import { useForm } from "../src/form";
import { ownerOf } from "../src/problems";
import { nextPage } from "../src/router";

describe("a form", () => {
  it("shows what the server refused next to its field", async () => {
    const form = useForm(["email"]);
    const refusal = new ApiError(422, "bad_input", "email: not an address", { field: "email" });
    expect(await form.submit(() => Promise.reject(refusal))).toBe(false);
    expect(form.errors["email"]).toBe("not an address");
    expect(form.problem.value).toBe("");
    expect(await form.submit(() => Promise.resolve())).toBe(true);
    expect(form.errors["email"]).toBe("");
  });

  it("says bounds in minutes where the field is in minutes", async () => {
    const refused = async (field: string, said: string): Promise<string | undefined> => {
      const form = useForm([field]);
      await form.submit(() => Promise.reject(new ApiError(422, "bad_input", said, { field })));
      return form.errors[field];
    };
    const channel = "settings.nobody_came_seconds";
    expect(await refused(channel, `${channel}: Input should be less than or equal to 604800`)).toBe("At most 10080.");
    expect(await refused("delay_seconds", "delay_seconds lies between 0 and 604,800, not 9999999.")).toBe(
      "From 0 to 10080.",
    );
    expect(await refused("pause_seconds", "Input should be less than or equal to 60")).toBe("At most 60.");
  });

  it("shows everything else for the whole", async () => {
    const form = useForm(["email"]);
    await form.submit(() => Promise.reject(new NetworkError("away")));
    expect(form.problem.value).toContain("server");
    await form.submit(() => Promise.reject(new ApiError(422, "bad_input", "role: unknown", { field: "role" })));
    expect(form.problem.value).toBe("role: unknown");
  });

  it("sends once at a time", async () => {
    const form = useForm();
    let release = (): void => undefined;
    const first = form.submit(
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    expect(await form.submit(() => Promise.resolve())).toBe(false);
    release();
    expect(await first).toBe(true);
  });
});

describe("a lost race", () => {
  it("names who has the conversation", () => {
    expect(ownerOf(new ApiError(409, "conflict", "", { owner: { id: "mem_li", name: "Li" } }))).toBe("Li");
    expect(ownerOf(new ApiError(409, "conflict", ""))).toBeNull();
  });
});

describe("after logging in", () => {
  it("leads back to a page of the console and to no other site", () => {
    expect(nextPage("/inbox/conv_1?view=mine")).toBe("/inbox/conv_1?view=mine");
    expect(nextPage("//evil.example")).toBe("/");
    expect(nextPage("https://evil.example")).toBe("/");
    expect(nextPage(undefined)).toBe("/");
  });
});

describe("a channel", () => {
  const channel = {
    id: "ch_1",
    kind: "web",
    name: "Website",
    assistant_on: true,
    is_active: true,
    created_at: "2026-11-21T10:00:00Z",
    has_identity_secret: false,
    paused_at: null,
    checked_at: null,
    last_error: "",
    last_error_texts: {},
    last_error_at: null,
    recovered_at: null,
  };

  it("comes out of its form as it went in", () => {
    const settings = {
      title: "Lumen & Loom",
      color: "#0f766e",
      greeting: { en: "Hello", zh: "您好" },
      quick_replies: { en: ["Hours?", "Returns?"] },
      allowed_origins: ["https://shop.example"],
      pre_chat: { fields: [{ name: "email", type: "email" as const, required: true }] },
      nobody_came_seconds: 300,
    };
    const given = Object.fromEntries(
      Object.entries(settingsOf(draftOf({ ...channel, settings }))).filter(([, value]) => value !== null),
    );
    expect(given).toEqual(settings);
  });

  it("gives defaults back by null", () => {
    const empty = settingsOf(draftOf({ ...channel, settings: {} }));
    expect(Object.values(empty).every((value) => value === null)).toBe(true);
  });

  it("is in trouble for a day after an error, or until something goes through again", () => {
    const failed = { ...channel, settings: {}, last_error: "Away.", last_error_at: "2026-11-21T10:00:00Z" };
    const at = (hour: string): number => Date.parse(`2026-11-${hour}:00Z`);
    expect(isTroubled({ ...channel, settings: {} }, at("21T10:30"))).toBe(false);
    expect(isTroubled(failed, at("21T10:30"))).toBe(true);
    expect(isTroubled(failed, at("22T10:30"))).toBe(false);
    expect(isTroubled({ ...failed, recovered_at: "2026-11-21T09:00:00Z" }, at("21T10:30"))).toBe(true);
    expect(isTroubled({ ...failed, recovered_at: "2026-11-21T10:10:00Z" }, at("21T10:30"))).toBe(false);
  });

  it("knows an origin in whatever a member pastes", () => {
    expect(originOf("shop.example/lamps?x=1")).toBe("https://shop.example");
    expect(originOf("http://localhost:3000/")).toBe("http://localhost:3000");
    expect(originOf("https://*.shop.example")).toBe("https://*.shop.example");
    expect(originOf("not a site")).toBe("");
    expect(["not", "localhost:3000", "http://shop", "192.168.0.7"].map(originOf)).toEqual([
      "",
      "https://localhost:3000",
      "http://shop",
      "https://192.168.0.7",
    ]);
  });

  it("is put on a page by one line", () => {
    expect(snippet("https://kefu.example", "ch_1")).toBe(
      '<script src="https://kefu.example/loader.js" data-channel="ch_1" async></script>',
    );
  });
});

describe("an engine", () => {
  it("is known by its reference's beginning", () => {
    expect(engineOf("openai:qwen3-8b")).toBe("openai_compat");
    expect(engineOf("path:model.gguf")).toBe("llamacpp");
    expect(engineOf("")).toBe("");
    expect(prefixOf("openai_compat")).toBe("openai:");
  });

  it("gets numbers and objects as what they are", () => {
    expect([optionValue("30"), optionValue(' {"a": 1}'), optionValue("{broken"), optionValue("sk-1")]).toEqual([
      30,
      { a: 1 },
      "{broken",
      "sk-1",
    ]);
  });

  it("hides what is secret", () => {
    expect(isSecret("api_key")).toBe(true);
    expect(isSecret("base_url")).toBe(false);
  });
});

describe("a sentence of the company's own", () => {
  it("replaces the built-in one, and an empty one gives it again", () => {
    const own = withText({ en: { refuse: "No." } }, "en", "greeting", "Hi!");
    expect(own).toEqual({ en: { refuse: "No.", greeting: "Hi!" } });
    expect(withText(own, "en", "greeting", " ")).toEqual({ en: { refuse: "No." } });
  });
});

describe("rules for intents", () => {
  it("are offered for every label of the live model, and kept for labels it does not know", () => {
    expect(ruleRows({ refund: "hand_over", gone: "refuse" }, ["tracking", "refund"])).toEqual([
      { label: "gone", rule: "refuse", isKnown: false },
      { label: "refund", rule: "hand_over", isKnown: true },
      { label: "tracking", rule: "", isKnown: true },
    ]);
  });

  it("are set, changed and taken away one by one", () => {
    const two = withRule({ refund: "hand_over" }, "legal advice", "refuse");
    expect(two).toEqual({ refund: "hand_over", "legal advice": "refuse" });
    expect(withRule(two, "refund", "answer")).toEqual({ refund: "answer", "legal advice": "refuse" });
    expect(withRule(two, "refund", "")).toEqual({ "legal advice": "refuse" });
  });
});

describe("the form of a plug-in channel", () => {
  const field = (key: string, kind: PlugInField["kind"], part: Partial<PlugInField> = {}): PlugInField => ({
    key,
    kind,
    label: {},
    help: {},
    required: false,
    default: "",
    pattern: "",
    choices: {},
    generated: false,
    ...part,
  });
  const fields = [field("url", "text"), field("mode", "select", { default: "safe" }), field("token", "secret")];

  it("begins with what is set, and never with a secret", () => {
    expect(begun(fields, null)).toEqual({ url: "", mode: "safe", token: "" });
    expect(begun(fields, { url: "https://x", mode: "plain", token: true })).toEqual({
      url: "https://x",
      mode: "plain",
      token: "",
    });
  });

  it("sends a secret only where one was typed", () => {
    expect(given(fields, { url: "https://x", mode: "safe", token: "" })).toEqual({ url: "https://x", mode: "safe" });
    expect(given(fields, { url: "", mode: "safe", token: "t" })).toEqual({ url: "", mode: "safe", token: "t" });
  });
});
