import type { Escalation } from "../desk/types";
import { textOf, valueOf } from "../flows/values";

export type Mood = "" | "complaint" | "angry" | "both";

/** A rule that still says nothing. */
export const emptyRule = (): Escalation => ({ moods: [], words: [], intents: [], contact: {}, refusals: 0 });

export const moodOf = ({ moods }: Escalation): Mood => (moods.length > 1 ? "both" : (moods[0] ?? ""));

export const moodsOf = (mood: Mood): Escalation["moods"] =>
  mood === "" ? [] : mood === "both" ? ["complaint", "angry"] : [mood];

/** An attribute as it is typed, "plan=gold"; "" for what is none. */
export function attribute(text: string): string {
  const [name, value] = halves(text);
  return name && value ? `${name}=${value}` : "";
}

export const attributesShown = (contact: Escalation["contact"]): string[] =>
  Object.entries(contact).map(([name, value]) => `${name}=${textOf(value)}`);

/** "plan=gold", "vip=true" as they are compared: numbers as numbers, true and false as what they say. */
export const attributesKept = (shown: readonly string[]): Escalation["contact"] =>
  Object.fromEntries(
    shown.map((text) => {
      const [name, value] = halves(text);
      const typed = valueOf(value);
      return [name, typeof typed === "number" || typeof typed === "boolean" ? typed : value];
    }),
  );

function halves(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text.trim(), ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
