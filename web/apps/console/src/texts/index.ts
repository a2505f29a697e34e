import { createI18n, languageOf, type Language } from "@kefu/ui";
import { watchEffect } from "vue";
import { en } from "./en";
import { zh } from "./zh";

const KEPT = "kefu.language";

const i18n = createI18n(en, zh, languageOf(localStorage.getItem(KEPT)) ?? systemLanguage());
export const { language, t } = i18n;
export type TextKey = keyof typeof en;

export const locale = (): string => (language.value === "zh" ? "zh-CN" : "en-GB");

/** "" follows the browser. Kept in the browser too, so that the log-in page has it. */
export function chooseLanguage(choice: Language | ""): void {
  language.value = choice || systemLanguage();
  if (choice) localStorage.setItem(KEPT, choice);
}

export function followLanguage(): void {
  watchEffect(() => {
    document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  });
}

/** The text of a key that the server's words make ("status.open"), or those words where we have no text for them. */
export const named = (prefix: string, word: string): string => {
  const key = `${prefix}.${word}`;
  return key in en ? t(key as TextKey) : word;
};

function systemLanguage(): Language {
  for (const tag of navigator.languages) {
    const known = languageOf(tag);
    if (known) return known;
  }
  return "en";
}
