import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Chat } from "../src";
import { MemoryStore } from "../src";
import { mount } from "../examples/web/chat";
import { answer, FakeKefu } from "./fake-kefu";

let kefu: FakeKefu;
let chat: Chat;
let root: HTMLElement;

const texts = (): string[] => [...root.querySelectorAll("p")].map((each) => each.firstChild?.textContent ?? "");
const pressed = (words: string): void =>
  [...root.querySelectorAll("button")].find((each) => each.textContent === words)?.click();

beforeEach(async () => {
  vi.useFakeTimers();
  kefu = new FakeKefu();
  root = document.createElement("main");
  const { fetch, WebSocket } = kefu;
  chat = mount(root, { server: "https://kefu.example", channel: "ch_1", store: new MemoryStore(), fetch, WebSocket });
  await chat.start();
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  chat.stop();
  vi.useRealTimers();
});

function write(words: string): Promise<unknown> {
  (root.querySelector("input") as HTMLInputElement).value = words;
  root.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true }));
  return vi.advanceTimersByTimeAsync(0);
}

it("shows a page's chat: answers as they stream in, sources, buttons, a person", async () => {
  await write("Where is my parcel?");
  const turn = kefu.messages[0]?.turn as string;
  kefu.delta(turn, "On its ");
  expect(texts()).toEqual(["You: Where is my parcel?", "Assistant: On its "]);
  const citation = { title: "Delivery", text: "", url: "https://shop.example/d", document: "d", start: 0, end: 1 };
  const made = answer({ citations: [citation], quick_replies: ["When?"], quick_reply_values: ["when"] });
  kefu.say("assistant", "On its way.", { turn, answer: made });
  expect(texts()).toEqual(["You: Where is my parcel?", "Assistant: On its way."]);
  expect(root.querySelector("a")?.href).toBe("https://shop.example/d");
  pressed("When?");
  await vi.advanceTimersByTimeAsync(0);
  expect(kefu.messages.at(-1)).toMatchObject({ text: "When?", pressed: "when" });
  pressed("Talk to a person");
  await vi.advanceTimersByTimeAsync(0);
  expect(kefu.conversation?.status).toBe("waiting");
});

it("shows what waits for the network", async () => {
  kefu.network = false;
  kefu.cut();
  await write("Hello?");
  expect(texts()[0]).toMatch(/^You: Hello\? \(/);
  kefu.network = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(texts()).toEqual(["You: Hello?"]);
});
