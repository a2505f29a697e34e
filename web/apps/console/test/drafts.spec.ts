import { effectScope, type EffectScope } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { writing } from "../src/desk/sorting";
import { draftOf, useDraft, type Kept } from "../src/inbox/drafts";
import { keepEntries } from "../src/inbox/outbox";

const THREAD = "conv_1";
const reply = (text: string): Kept => ({ text, internal: false });

let server: Kept | null;
let heard: Kept[];
let scope: EffectScope;

/** The conversation opened in this tab. */
function open(): ReturnType<typeof useDraft> {
  scope.stop();
  scope = effectScope();
  const opened = scope.run(() => useDraft(THREAD, (draft) => heard.push(draft)));
  if (!opened) throw new Error("A fresh scope runs.");
  return opened;
}

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  server = null;
  heard = [];
  scope = effectScope();
  vi.spyOn(writing, "keepDraft").mockImplementation((_, draft) => {
    server = draft.text ? { ...draft } : null;
    return Promise.resolve(null);
  });
  vi.spyOn(writing, "draft").mockImplementation(() =>
    Promise.resolve({ drafts: server ? [{ ...server, conversation: THREAD, kept_at: "" }] : [] }),
  );
});
afterEach(async () => {
  scope.stop();
  await rest(); // what it saves when it is left
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Time for the member to rest, and for answers to arrive. */
const rest = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1_000);

describe("a draft", () => {
  it("is kept here at once and on the server when its writer rests", async () => {
    open().keep(reply("Half a sent"));
    expect(draftOf(THREAD).text).toBe("Half a sent");
    expect(server).toBeNull();
    await rest();
    expect(server).toEqual(reply("Half a sent"));
  });

  it("that was sent from another tab is here no more", async () => {
    const draft = open();
    draft.keep(reply("Sent elsewhere"));
    await rest();
    server = null;
    await draft.look();
    expect(heard).toMatchObject([reply("")]);
    expect(draftOf(THREAD).text).toBe("");
  });

  it("that was gone on with in another tab is gone on with here, after a reload too", async () => {
    open().keep(reply("One"));
    await rest();
    server = { text: "One and two", internal: true };
    open();
    await rest();
    expect(heard.at(-1)).toMatchObject({ text: "One and two", internal: true });
  });

  it("that never reached the server is not lost to what the server has, and reaches it", async () => {
    vi.mocked(writing.keepDraft).mockRejectedValueOnce(new Error("no network"));
    open().keep(reply("Written in a tunnel"));
    await rest();
    server = reply("Older");
    open();
    await rest();
    expect(heard).toEqual([]);
    expect(server).toEqual(reply("Written in a tunnel"));
  });

  it("is not brought back while what it became is on its way", async () => {
    const draft = open();
    draft.keep(reply("Hello"));
    await rest();
    const entry = { key: "a", text: "Hello, Mia", attachments: [], internal: false, at: "", anchor: 1 };
    keepEntries(THREAD, [{ ...entry, state: "sending", error: null }]);
    draft.sent();
    await draft.look();
    expect(heard).toEqual([]);
    expect(draftOf(THREAD).text).toBe("");
  });

  it("typed while the server is asked stays", async () => {
    const draft = open();
    draft.keep(reply("One"));
    await rest();
    server = null;
    const looked = draft.look();
    draft.keep(reply("One more"));
    await looked;
    expect(heard).toEqual([]);
    expect(draftOf(THREAD).text).toBe("One more");
  });
});
