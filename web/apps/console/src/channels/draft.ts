import type { Channel, ChannelSettings } from "../desk/types";
import { minutesOf, secondsOf } from "../minutes";

type Both<V> = V | { en?: V; zh?: V } | undefined;

/** A web channel's settings as a form holds them: every text in both languages. */
export interface ChannelDraft {
  name: string;
  assistantOn: boolean;
  title: string;
  assistantName: string;
  color: string;
  language: string;
  sound: boolean;
  calls: boolean;
  greeting: { en: string; zh: string };
  quickReplies: { en: string; zh: string };
  origins: readonly string[];
  pauseSeconds: number;
  nobodyCameMinutes: number;
  /** As it is stored, which may be no whole minutes. */
  nobodyCameSeconds: number;
  preChat: Record<PreChatName, "off" | "optional" | "required">;
}

export const PRE_CHAT = ["name", "email", "phone"] as const;
export type PreChatName = (typeof PRE_CHAT)[number];
const PRE_CHAT_TYPE = { name: "text", email: "email", phone: "tel" } as const;

export const BRAND = "#3a5bd9";

export function draftOf({ name, assistant_on, settings }: Channel): ChannelDraft {
  return {
    name,
    assistantOn: assistant_on,
    title: settings.title ?? "",
    assistantName: settings.assistant_name ?? "",
    color: settings.color ?? BRAND,
    language: settings.language ?? "",
    sound: settings.sound ?? true,
    calls: settings.calls ?? true,
    greeting: { en: side(settings.greeting, "en") ?? "", zh: side(settings.greeting, "zh") ?? "" },
    quickReplies: { en: lines(side(settings.quick_replies, "en")), zh: lines(side(settings.quick_replies, "zh")) },
    origins: settings.allowed_origins ?? [],
    pauseSeconds: settings.pause_seconds ?? 0,
    nobodyCameMinutes: minutesOf(settings.nobody_came_seconds ?? 0),
    nobodyCameSeconds: settings.nobody_came_seconds ?? 0,
    preChat: preChatOf(settings.pre_chat),
  };
}

type Stored = { [K in keyof ChannelSettings]: ChannelSettings[K] | null };

/** What to store of any channel; null takes a setting away, so that the default holds again. */
export function sharedOf(draft: ChannelDraft): Stored {
  return {
    greeting: both(draft.greeting.en.trim(), draft.greeting.zh.trim()),
    pause_seconds: draft.pauseSeconds || null,
    nobody_came_seconds: secondsOf(draft.nobodyCameMinutes, draft.nobodyCameSeconds) || null,
  };
}

/** What to store of a web channel. */
export function settingsOf(draft: ChannelDraft): Stored {
  const replies = both(list(draft.quickReplies.en), list(draft.quickReplies.zh));
  return {
    title: draft.title.trim() || null,
    assistant_name: draft.assistantName.trim() || null,
    color: draft.color === BRAND ? null : draft.color,
    language: draft.language || null,
    sound: draft.sound ? null : false,
    calls: draft.calls ? null : false,
    ...sharedOf(draft),
    quick_replies: replies,
    allowed_origins: draft.origins.length ? [...draft.origins] : null,
    pre_chat: preChat(draft.preChat),
  };
}

function preChatOf(stored: ChannelSettings["pre_chat"]): ChannelDraft["preChat"] {
  const state = (name: PreChatName) => {
    const field = stored?.fields.find((each) => each.name === name);
    return field ? (field.required ? "required" : "optional") : "off";
  };
  return { name: state("name"), email: state("email"), phone: state("phone") };
}

function preChat(draft: ChannelDraft["preChat"]): NonNullable<ChannelSettings["pre_chat"]> | null {
  const fields = PRE_CHAT.filter((name) => draft[name] !== "off").map((name) => ({
    name,
    type: PRE_CHAT_TYPE[name],
    required: draft[name] === "required",
  }));
  return fields.length ? { fields } : null;
}

function side<V>(value: Both<V>, language: "en" | "zh"): V | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value as V | undefined;
  return (value as { en?: V; zh?: V })[language];
}

function both<V extends string | string[]>(en: V, zh: V): V | { en?: V; zh?: V } | null {
  if (!en.length && !zh.length) return null;
  if (JSON.stringify(en) === JSON.stringify(zh)) return en;
  return { ...(en.length ? { en } : {}), ...(zh.length ? { zh } : {}) };
}

const lines = (values: readonly string[] | undefined): string => (values ?? []).join("\n");
const list = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
