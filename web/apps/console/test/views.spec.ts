import { describe, expect, it } from "vitest";
import type { Conversation } from "../src/desk/types";
import type { LocationQuery } from "vue-router";
import {
  belongs,
  byActivity,
  choiceOf,
  filterOf,
  isView,
  narrowedBy,
  queryOf,
  takesIn,
  tidy,
  type Choice,
} from "../src/inbox/views";
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
  intent: "",
  labels: [],
  is_snoozed: false,
  snoozed_until: null,
  team: null,
  priority: "none",
  offered_to: null,
  escalated_at: null,
  asked: "",
  sla: null,
  ...part,
});

const choice = (part: Partial<Choice>): Choice => ({ view: "waiting", search: "", filter: {}, saved: "", ...part });

describe("a view", () => {
  it("asks the server for its own conversations", () => {
    expect(filterOf(choice({ view: "mine" }))).toEqual({ status: ["open"], assignee: "me", snoozed: false });
    expect(filterOf(choice({ search: "refund", filter: { channel: "ch_1", label: ["lbl_1"] } }))).toEqual({
      status: ["waiting"],
      search: "refund",
      channel: "ch_1",
      label: ["lbl_1"],
    });
  });

  it("is the same after it was written into the address", () => {
    const filter = { label: ["lbl_1", "lbl_2"], channel: "ch_1", days: 7, unread: true, snoozed: false };
    const all = choice({ view: "all", search: "a b", saved: "view_1", filter });
    const query = queryOf(all);
    expect(choiceOf(query as LocationQuery)).toEqual(all);
    expect(choiceOf({})).toEqual(choice({}));
    expect(choiceOf({ view: "lost", days: "x" })).toEqual(choice({}));
  });

  it("counts what it is narrowed by", () => {
    expect(narrowedBy({ label: [], channel: "", days: 7, language: "zh" })).toBe(2);
    expect(tidy({ label: [], channel: "", days: 7 })).toEqual({ days: 7 });
  });

  it("takes in a changed conversation only where it belongs", () => {
    const mine = choice({ view: "mine" });
    expect(belongs(conversation(), mine, "mem_me")).toBe(true);
    expect(belongs(conversation({ assignee: { id: "mem_li", name: "Li" } }), mine, "mem_me")).toBe(false);
    expect(belongs(conversation({ status: "resolved" }), mine, "mem_me")).toBe(false);
    expect(belongs(conversation(), { ...mine, filter: { channel: "ch_2" } }, "mem_me")).toBe(false);
  });

  it("looks at labels, language and snoozes of what changed, and leaves to the server what only it knows", () => {
    const wanted = choice({ view: "open", filter: { label: ["lbl_1"], language: "en", snoozed: false } });
    expect(belongs(conversation({ labels: ["lbl_1", "lbl_2"] }), wanted, "mem_me")).toBe(true);
    expect(belongs(conversation({ labels: ["lbl_2"] }), wanted, "mem_me")).toBe(false);
    expect(belongs(conversation({ labels: ["lbl_1"], is_snoozed: true }), wanted, "mem_me")).toBe(false);
    expect(belongs(conversation({ labels: ["lbl_1"], language: "zh" }), wanted, "mem_me")).toBe(false);
    expect([wanted, choice({ view: "mentions" }), choice({ search: "a" })].map(takesIn)).toEqual([true, false, false]);
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
