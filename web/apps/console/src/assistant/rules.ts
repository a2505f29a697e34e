import type { IntentRule } from "../desk/types";

export type Rules = Readonly<Record<string, IntentRule>>;

export interface RuleRow {
  label: string;
  /** "" where nothing special follows from the intent. */
  rule: IntentRule | "";
  /** The live model knows the label; a rule for another one waits for a model that does. */
  isKnown: boolean;
}

/** Every label of the live model and every label that has a rule, in the order of the alphabet. */
export function ruleRows(rules: Rules, labels: readonly string[]): RuleRow[] {
  const known = new Set(labels);
  return [...new Set([...labels, ...Object.keys(rules)])]
    .sort((a, b) => a.localeCompare(b))
    .map((label) => ({ label, rule: rules[label] ?? "", isKnown: known.has(label) }));
}

/** The rules with one of them set, or with "" taken away. */
export function withRule(rules: Rules, label: string, rule: IntentRule | ""): Record<string, IntentRule> {
  const others = Object.fromEntries(Object.entries(rules).filter(([each]) => each !== label));
  return rule ? { ...others, [label]: rule } : others;
}
