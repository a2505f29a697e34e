// @vitest-environment node
import { act, createElement } from "react";
import { create } from "react-test-renderer";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Chat } from "../src";
import { ChatScreen } from "../examples/react-native/ChatScreen";
import { openChat, sendRecording } from "../examples/react-native/kefu";
import { answer, FakeKefu } from "./fake-kefu";
import { phone } from "./fake-native";

// React Native has neither pages nor their storage, and its engine no `crypto`.
const MISSING = ["window", "document", "localStorage", "location", "navigator", "crypto", "XMLHttpRequest"];

let kefu: FakeKefu;
let chat: Chat;
let close = (): void => undefined;

/** Does it and all that follows at once, and draws what came of it. */
const happens = (what: () => unknown, milliseconds = 0): Promise<void> =>
  act(async () => {
    await what();
    await vi.advanceTimersByTimeAsync(milliseconds);
  });

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  for (const name of MISSING) vi.stubGlobal(name, undefined);
  kefu = new FakeKefu();
  vi.stubGlobal("fetch", kefu.fetch);
  vi.stubGlobal("WebSocket", kefu.WebSocket);
  phone.stored.clear();
});

afterEach(async () => {
  await leave();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The app is closed. */
const leave = (): Promise<void> =>
  happens(() => {
    close();
    chat.stop();
  });

async function screen() {
  chat = await openChat("https://kefu.example", "ch_1");
  await vi.waitFor(() => {
    expect(chat.live.value).toBe("ready");
  });
  const shown = await act(() => Promise.resolve(create(createElement(ChatScreen, { chat }))));
  close = shown.unmount;
  const field = () => shown.root.findAllByType("TextInput")[0]?.props as Record<string, (text?: string) => void>;
  const words = (node: { children: unknown[] } | undefined) => node?.children.join("") ?? "";
  return {
    texts: () => shown.root.findAllByType("Text").map(words),
    write: async (text: string) => {
      await happens(() => field()["onChangeText"]?.(text));
      await happens(() => field()["onSubmitEditing"]?.());
    },
    press: (label: string) => {
      const all = shown.root.findAllByType("Pressable");
      const wanted = all.find((each) => words(each.findAllByType("Text")[0]) === label);
      return happens(wanted?.props["onPress"] as () => void);
    },
  };
}

it("shows what is said, as it streams in, and sends the choice that is pressed", async () => {
  const { texts, write, press } = await screen();
  await write("Where is my parcel?");
  expect(texts()).toEqual(["You: Where is my parcel?"]);
  const turn = kefu.messages[0]?.turn as string;
  await happens(() => {
    kefu.delta(turn, "On its ");
  });
  expect(texts()).toContain("Assistant: On its ");
  const buttons = answer({ quick_replies: ["Change the address"], quick_reply_values: ["address"] });
  await happens(() => kefu.say("assistant", "On its way.", { turn, answer: buttons }));
  expect(texts()).toEqual(["You: Where is my parcel?", "Assistant: On its way.", "Change the address"]);
  await press("Change the address");
  expect(kefu.messages.at(-1)).toMatchObject({ text: "Change the address", pressed: "address" });
});

it("keeps over a restart of the app what could not be sent, and sends it once the network is back", async () => {
  const { texts, write } = await screen();
  await happens(() => {
    kefu.network = false;
    kefu.cut();
  });
  await write("Hello?");
  expect(texts()[0]).toMatch(/^You: Hello\? \(/);
  await leave();
  expect(phone.watched).toBe(0);
  const opening = screen();
  await vi.advanceTimersByTimeAsync(0);
  kefu.network = true;
  phone.connect(true);
  await vi.advanceTimersByTimeAsync(10_000);
  const after = await opening;
  await happens(() => undefined);
  expect(kefu.messages.map(({ text }) => text)).toEqual(["Hello?"]);
  expect(after.texts()).toEqual(["You: Hello?"]);
});

it("sends a recording as React Native names files", async () => {
  await screen();
  const sent: unknown[] = [];
  // React Native's form takes a file by its address; Node's would refuse it.
  vi.stubGlobal(
    "FormData",
    class {
      append(name: string, file: unknown): void {
        sent.push([name, file]);
      }
    },
  );
  const stored = { id: "att_1", kind: "audio", name: "voice.m4a", media_type: "audio/mp4", size: 9 } as const;
  vi.stubGlobal("fetch", (address: RequestInfo | URL, init?: RequestInit) => {
    if (!String(address).endsWith("/attachments")) return kefu.fetch(address, init);
    kefu.uploads.push(stored);
    return Promise.resolve(Response.json(stored, { status: 201 }));
  });
  await happens(() => sendRecording(chat, "file:///recording.m4a"));
  expect(sent).toEqual([["file", { uri: "file:///recording.m4a", name: "voice.m4a", type: "audio/mp4" }]]);
  expect(kefu.messages[0]?.attachments).toEqual([stored]);
});
