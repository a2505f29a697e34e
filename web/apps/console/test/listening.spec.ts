import { createApp, h, nextTick, type App } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Message, Session } from "../src/desk/types";
import MessageItem from "../src/inbox/MessageItem.vue";
import { session } from "../src/session";

const ANSWER = {
  id: "msg_1",
  conversation: "cnv_1",
  author: "assistant",
  text: "From 9:00 to 21:00.",
  created_at: "2026-11-22T09:00:00Z",
  attachments: [],
  answer: null,
  internal: false,
  thumb: "",
} as unknown as Message;

let app: App | null = null;

function shown(message: Partial<Message> = {}): HTMLElement {
  const props = { message: { ...ANSWER, ...message }, first: true, contact: "Mia", explained: false, names: [] };
  const place = document.createElement("div");
  document.body.append(place);
  app = createApp(() => h(MessageItem, props));
  app.mount(place);
  return place;
}

const control = (place: HTMLElement): HTMLButtonElement | undefined =>
  [...place.querySelectorAll("button")].find((each) => each.textContent.trim() === "Listen");

const signedIn = (speak: boolean): void => {
  session.value = { speech: { hear: true, speak }, member: { role: "agent" } } as unknown as Session;
};

describe("an answer in the inbox", () => {
  const fetched = vi.fn<(path: string) => Promise<Response>>();
  const played = vi.fn<() => Promise<void>>();

  beforeEach(() => {
    signedIn(true);
    fetched.mockImplementation(() =>
      Promise.resolve(new Response("sound", { headers: { "content-type": "audio/mpeg" } })),
    );
    vi.stubGlobal("fetch", fetched);
    vi.spyOn(HTMLMediaElement.prototype, "play").mockImplementation(played);
    played.mockResolvedValue();
  });
  afterEach(() => {
    app?.unmount();
    document.body.innerHTML = "";
    session.value = null;
    vi.unstubAllGlobals();
  });

  it("is fetched and played when it is first asked for, and only then", async () => {
    const place = shown();
    await nextTick();
    expect(fetched).not.toHaveBeenCalled();
    control(place)?.click();
    await vi.waitFor(() => {
      expect(played).toHaveBeenCalledOnce();
    }, 30_000);
    expect(fetched.mock.calls.map(([path]) => path)).toEqual([
      "/desk/api/inbox/conversations/cnv_1/messages/msg_1/audio",
    ]);
    expect(control(place)).toBeUndefined(); // the player stands in its place
    expect(document.activeElement).toBe(place.querySelector(".audio"));
  });

  it("can be heard from a member too, and not from a customer or in a note", () => {
    expect(control(shown({ author: "member" }))).toBeDefined();
    expect(control(shown({ author: "contact" }))).toBeUndefined();
    expect(control(shown({ author: "member", internal: true }))).toBeUndefined();
    expect(control(shown({ text: "" }))).toBeUndefined();
  });

  it("has no such control where no voice is installed", () => {
    signedIn(false);
    expect(control(shown())).toBeUndefined();
  });
});
