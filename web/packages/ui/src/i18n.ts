import { ref, type Ref } from "vue";

export type Language = "en" | "zh";

/** A text, or one that depends on how many. */
type Entry = string | { one: string; other: string };
type Dictionary = Readonly<Record<string, Entry>>;
type Params = Readonly<Record<string, string | number>>;

export interface I18n<K extends string> {
  language: Ref<Language>;
  /** The text for a key in the present language, with `{name}` filled in; `count` chooses between one and other. */
  t: (key: K, params?: Params) => string;
}

/** Texts in both languages; the types make sure that neither lacks a key of the other. */
export function createI18n<D extends Dictionary>(
  en: D,
  zh: { [K in keyof D]: Entry },
  start: Language,
): I18n<keyof D & string> {
  const language = ref(start);
  const t = (key: keyof D & string, params: Params = {}): string => {
    const entry = (language.value === "zh" ? zh[key] : en[key]) as Entry;
    const text = typeof entry === "string" ? entry : String(params["count"]) === "1" ? entry.one : entry.other;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
  };
  return { language, t };
}

/** The language to speak for a tag such as "zh-CN" or "en_GB"; null when it is neither. */
export function languageOf(tag: string | null | undefined): Language | null {
  const primary = tag?.toLowerCase().split(/[-_]/)[0];
  return primary === "zh" || primary === "en" ? primary : null;
}

/** A company's own text in the present language; its other language is better than nothing. */
export function localized<T>(value: T | { en?: T; zh?: T } | undefined, language: Language): T | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value as T | undefined;
  const both = value as { en?: T; zh?: T };
  return both[language] ?? both.en ?? both.zh;
}
