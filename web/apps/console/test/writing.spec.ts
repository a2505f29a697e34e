import { describe, expect, it } from "vitest";
import type { CannedReply } from "../src/desk/sorting";
import type { Member } from "../src/desk/types";
import { snoozeChoices } from "../src/inbox/snoozes";
import { cannedFor, mentionedIn, placeAt, unfilledIn } from "../src/inbox/suggestions";

const reply = (shortcut: string, language = "", text = "…"): CannedReply => ({
  id: `${shortcut}-${language}`,
  shortcut,
  language,
  text,
  is_shared: true,
});
const member = (name: string, is_active = true): Member => ({ id: name, name, is_active }) as Member;

describe("what is typed", () => {
  it("is a shortcut after a slash that begins a word, and a name after @ in a note", () => {
    expect(placeAt("/he", 3, false)).toEqual({ kind: "canned", word: "he", from: 0, to: 3 });
    expect(placeAt("Hi /", 4, false)).toEqual({ kind: "canned", word: "", from: 3, to: 4 });
    expect(placeAt("and/or", 6, false)).toBeNull();
    expect(placeAt("/help me", 8, false)).toBeNull();
    expect(placeAt("see @An", 7, true)).toEqual({ kind: "mention", word: "An", from: 4, to: 7 });
    expect(placeAt("see @An", 7, false)).toBeNull();
    expect(placeAt("a@b", 3, true)).toBeNull();
  });

  it("offers shortcuts that begin with it first, in the customer's language", () => {
    const replies = [reply("say-hello"), reply("hello", "zh"), reply("hello", "en"), reply("bye", "", "hello again")];
    expect(cannedFor("hel", replies, "en").map(({ id }) => id)).toEqual(["hello-en", "hello-zh", "say-hello-", "bye-"]);
    expect(cannedFor("退", [reply("退货"), reply("x")], "zh").map(({ id }) => id)).toEqual(["退货-"]);
    expect(cannedFor("nothing", replies, "en")).toEqual([]);
  });

  it("names members, the longer name where one begins with another", () => {
    const members = [member("Ann"), member("Ann Lee"), member("王伟"), member("Gone", false)];
    expect(mentionedIn("@Ann Lee and @王伟, not @Gone", members)).toEqual(["Ann Lee", "王伟"]);
    expect(mentionedIn("@Ann", members)).toEqual(["Ann"]);
    expect(mentionedIn("Ann", members)).toEqual([]);
  });

  it("is not for the customer while a variable stands in it", () => {
    expect(unfilledIn("Hi {{contact.name}}, {{ member.name }} {{other}}")).toEqual([
      "{{contact.name}}",
      "{{ member.name }}",
    ]);
    expect(unfilledIn("Hi Ann")).toEqual([]);
  });
});

describe("a snooze", () => {
  it("ends in the morning of a day to come, or when the customer writes", () => {
    const saturday = new Date(2026, 10, 21, 15, 30);
    const [reply_, hours, tomorrow, monday] = snoozeChoices(saturday).map(({ until }) => until);
    expect(reply_).toBeNull();
    expect(new Date(String(hours))).toEqual(new Date(2026, 10, 21, 18, 30));
    expect(new Date(String(tomorrow))).toEqual(new Date(2026, 10, 22, 9));
    expect(new Date(String(monday))).toEqual(new Date(2026, 10, 23, 9));
    const onMonday = snoozeChoices(new Date(2026, 10, 23, 8)).at(-1);
    expect(new Date(String(onMonday?.until))).toEqual(new Date(2026, 10, 30, 9));
  });
});
