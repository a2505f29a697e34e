import { describe, expect, it } from "vitest";
import type { Conversation } from "../src/desk/types";
import { belongs, byActivity, filterOf, isView } from "../src/inbox/views";
import { beginsToWait } from "../src/shell/calls";

const conversation = (part: Partial<Conversation> = {}): Conversation => ({
  id: "conv_1",
  status: "open",
  channel: { id: "ch_1", name: "Website", kind: "web" },
  contact: { id: "con_1", name: "Ada" },
  assignee: { id: "mem_me", name: "Mei" },
  language: "en",
  unread: 0,
  last_message: null,
  waiting_since: null,
  created_at: "2026-11-21T10:00:00Z",
  last_activity_at: "2026-11-21T10:00:00Z",
  resolved_at: null,
  resolved_by: "",
  address_wanted: false,
  ...part,
});

describe("a view", () => {
  it("asks the server for its own conversations", () => {
    expect(filterOf({ view: "mine", search: "", channel: "" })).toEqual({ status: "open", assignee: "me" });
    expect(filterOf({ view: "waiting", search: "refund", channel: "ch_1" })).toEqual({
      status: "waiting",
      search: "refund",
      channel: "ch_1",
    });
  });

  it("takes in a changed conversation only where it belongs", () => {
    const mine = { view: "mine", search: "", channel: "" } as const;
    expect(belongs(conversation(), mine, "mem_me")).toBe(true);
    expect(belongs(conversation({ assignee: { id: "mem_li", name: "Li" } }), mine, "mem_me")).toBe(false);
    expect(belongs(conversation({ status: "resolved" }), mine, "mem_me")).toBe(false);
    expect(belongs(conversation(), { ...mine, channel: "ch_2" }, "mem_me")).toBe(false);
  });

  it("puts the latest activity first", () => {
    const older = conversation({ id: "a", last_activity_at: "2026-11-21T09:00:00Z" });
    expect([older, conversation({ id: "b" })].sort(byActivity).map(({ id }) => id)).toEqual(["b", "a"]);
  });

  it("is known by its name only", () => {
    expect(isView("mine")).toBe(true);
    expect(isView("toString")).toBe(false);
  });
});

describe("calling a member", () => {
  const waiting = conversation({ status: "waiting", assignee: null, waiting_since: new Date().toISOString() });

  it("happens once, when a customer begins to wait", () => {
    expect(beginsToWait(waiting, "bot")).toBe(true);
    expect(beginsToWait(waiting, "waiting")).toBe(false);
    expect(beginsToWait(conversation(), "waiting")).toBe(false);
  });

  it("does not happen for who has long been waiting when the console opens", () => {
    expect(beginsToWait(waiting, undefined)).toBe(true);
    expect(beginsToWait({ ...waiting, waiting_since: "2026-11-20T10:00:00Z" }, undefined)).toBe(false);
  });
});
