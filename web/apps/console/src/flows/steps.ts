/** The words of the flow language that the console draws and edits (`kefu.flow/v1`). */

export const KINDS = [
  "say",
  "ask",
  "choose",
  "call",
  "set",
  "if",
  "repeat",
  "goto",
  "call_flow",
  "hand_over",
  "rate",
  "end",
] as const;
export type Kind = (typeof KINDS)[number];

export const SLOT_TYPES = [
  "text",
  "name",
  "address",
  "number",
  "money",
  "date",
  "time",
  "phone",
  "email",
  "pattern",
  "choice",
  "yes_no",
] as const;

/** Where the customer's way through the flow does not go on to the next step. */
export const FINAL: ReadonlySet<Kind> = new Set<Kind>(["goto", "hand_over", "end"]);

export type Texts = Readonly<Record<string, string>>;

/** A place in the YAML: keys of maps and numbers of lists, from the top. */
export type Path = readonly (string | number)[];

export interface Branch {
  /** `then`, `else`, `steps`, `otherwise`, `on_error`, `unknown`, or an option's value. */
  name: string;
  /** An option's own words; "" for branches that the console names. */
  label: Texts;
  isOption: boolean;
  /** The list of steps, which may not be there yet. */
  path: Path;
  steps: readonly Step[];
}

export interface Step {
  /** Its own id, or the one that the engine makes for it. */
  id: string;
  /** Whether the file names it. */
  isNamed: boolean;
  kind: Kind;
  path: Path;
  /** What the file says of it, as plain values. */
  value: Readonly<Record<string, unknown>>;
  branches: readonly Branch[];
  /** Lines of the file, from 1, the last included. */
  from: number;
  to: number;
}

export interface Slot {
  name: string;
  value: Readonly<Record<string, unknown>>;
  from: number;
  to: number;
}

/** A flow as the picture and the forms see it; what it cannot read it leaves out, and the server's check names. */
export interface Flow {
  id: string;
  name: Texts;
  description: string;
  languages: readonly string[];
  when: Readonly<Record<string, unknown>>;
  interrupts: Readonly<Record<string, unknown>>;
  slots: readonly Slot[];
  steps: readonly Step[];
  replies: Readonly<Record<string, Texts>>;
}

/** Every step, those inside others after the one they are in. */
export function allSteps(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => [step, ...step.branches.flatMap((branch) => allSteps(branch.steps))]);
}

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Texts by language, as far as they are texts. */
export function textsOf(value: unknown): Texts {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, text]) => typeof text === "string" || typeof text === "number")
      .map(([language, text]) => [language, String(text)]),
  );
}

/** The text in the language of the console, else in the flow's first, else any. */
export function inLanguage(texts: Texts, wanted: string): string {
  return texts[wanted] ?? Object.values(texts)[0] ?? "";
}
