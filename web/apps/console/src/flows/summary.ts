import { inLanguage, isMap, textsOf, type Flow, type Step } from "./steps";

const shown = (value: unknown): string =>
  typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);

const pairs = (value: unknown): string =>
  isMap(value)
    ? Object.entries(value)
        .map(([name, each]) => `${name} = ${each === null ? "∅" : shown(each)}`)
        .join(", ")
    : "";

/** The texts of a step that says something: its own, or those of the reply that it names. */
export function saidBy(flow: Flow, value: unknown): Readonly<Record<string, string>> {
  return typeof value === "string" ? (flow.replies[value] ?? {}) : textsOf(value);
}

/** What stands below a step's kind in the picture: the words said, the slots asked for, the condition. */
export function summary(flow: Flow, { kind, value }: Step, language: string): string {
  const own = value[kind];
  const said = (): string => inLanguage(saidBy(flow, own), language);
  switch (kind) {
    case "say":
      return said() || shown(own);
    case "choose":
    case "rate":
      return said();
    case "ask": {
      const names = Array.isArray(own) ? own.map(shown) : own ? [shown(own)] : [];
      const only = names.length === 1 ? flow.slots.find(({ name }) => name === names[0]) : undefined;
      return [names.join(", "), inLanguage(textsOf(only?.value["question"]), language)].filter(Boolean).join(": ");
    }
    case "call":
    case "call_flow":
      return [shown(own), pairs(value["with"])].filter(Boolean).join(": ");
    case "set":
      return pairs(own);
    case "if":
      return shown(own);
    case "repeat":
      return [`× ${shown(own)}`, shown(value["while"])].filter(Boolean).join(" · ");
    case "hand_over":
      return isMap(own) ? [own["reason"], own["team"]].filter(Boolean).map(shown).join(" · ") : shown(own);
    case "goto":
    case "end":
      return shown(own);
  }
}
