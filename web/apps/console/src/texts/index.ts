import { createI18n, languageOf, type Language } from "@kefu/ui";
import { shallowRef, watchEffect } from "vue";
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
    if (language.value === "zh") loadReasons().catch(() => undefined); // without them the server's words stand
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

type Translations = readonly (readonly [string, string])[];

const reasons = shallowRef<readonly Translations[]>([]);
let asked: Promise<void> | null = null;

/** Fetches the server's reasons in Chinese, behind the first page: few pages show one, and to English readers none. */
export function loadReasons(): Promise<void> {
  asked ??= Promise.all([import("./zh/reasons"), import("./zh/conflicts"), import("./zh/training")]).then(
    ([why, against, taught]) => {
      reasons.value = [why.reasons, against.conflicts, taught.training];
    },
  );
  return asked;
}

/** A reason of the server's in the reader's language; as it is where we have no words for it. */
export const reasonInWords = (reason: string): string => reasons.value.reduce(inWords, reason);

/** A sentence of the server's in Chinese, if that is read and the sentence is among `known`; else as it is. */
export function inWords(said: string, known: Translations): string {
  if (language.value !== "zh") return said;
  for (const [pattern, translated] of patterns(known)) {
    const found = pattern.exec(said);
    if (!found) continue;
    const values = found.slice(1);
    return translated.replaceAll("{}", () => inWords(values.shift() ?? "", known)); // a provider's reason within ours
  }
  return said;
}

const made = new WeakMap<Translations, readonly (readonly [RegExp, string])[]>();

function patterns(known: Translations): readonly (readonly [RegExp, string])[] {
  const found =
    made.get(known) ??
    known.map(([said, translated]) => {
      const parts = said.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
      return [new RegExp(`^${parts.join("(.+?)")}$`, "s"), translated] as const;
    });
  made.set(known, found);
  return found;
}
