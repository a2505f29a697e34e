import type { I18n } from "@kefu/ui";
import { inject, type InjectionKey } from "vue";
import type { Chat } from "./chat";
import type { TextKey } from "./texts";

export const CHAT: InjectionKey<Chat> = Symbol("chat");
export const TEXTS: InjectionKey<I18n<TextKey>> = Symbol("texts");

/** Puts the focus back when what had it goes away: into the composer, or onto the log where a keyboard would pop up. */
export const REFOCUS: InjectionKey<() => Promise<void>> = Symbol("refocus");

export const useRefocus = (): (() => Promise<void>) => provided(REFOCUS);

/** The chat that this component is part of. */
export const useChat = (): Chat => provided(CHAT);

/** Texts in the present language. */
export const useTexts = (): I18n<TextKey> => provided(TEXTS);

function provided<T>(key: InjectionKey<T>): T {
  const value = inject(key);
  if (!value) throw new Error(`Nothing provides ${String(key)}: main.ts does, for the whole app`);
  return value;
}
