import { computed, inject, onScopeDispose, ref, shallowRef, watch, type InjectionKey } from "vue";
import { flows, type Problem } from "../desk/flows";
import { changed, readFlow, type Change, type SyntaxProblem } from "./document";
import { allSteps, type Flow, type Path, type Step } from "./steps";

/** Keystrokes that follow each other within this time are undone together. */
const BREATH_MS = 1_000;
/** The server checks when typing pauses; it takes some milliseconds there. */
const CHECK_MS = 350;
const MOST_UNDOS = 200;

/**
 * A flow while it is edited: the text is what counts; picture and forms are read from it and change it. They are locked
 * for who may not change it, and while the text cannot be read.
 */
export function useEditor({ mayChange }: { mayChange: boolean }) {
  const text = ref("");
  const stored = ref("");
  const flow = shallowRef<Flow | null>(null);
  const syntax = shallowRef<SyntaxProblem | null>(null);
  const problems = shallowRef<readonly Problem[]>([]);
  const selected = shallowRef<Path | null>(null);
  const past = shallowRef<readonly string[]>([]);
  const future = shallowRef<readonly string[]>([]);
  let last = { where: "", at: 0 };

  const steps = computed(() => (flow.value ? allSteps(flow.value.steps) : []));
  const step = computed(() => steps.value.find(({ path }) => same(path, selected.value)) ?? null);

  /** Takes another text; changes of one place in quick succession become one that is undone. */
  function write(next: string, where = ""): void {
    if (next === text.value) return;
    const now = Date.now();
    if (!where || where !== last.where || now - last.at > BREATH_MS)
      past.value = [...past.value, text.value].slice(-MOST_UNDOS);
    last = { where, at: now };
    future.value = [];
    text.value = next;
  }

  /** Changes the file by a form or the picture; nothing happens while it cannot be read. */
  function change(how: Change, where = ""): void {
    const next = changed(text.value, how);
    if (next !== null) write(next, where);
  }

  function open(value: string): void {
    stored.value = value;
    text.value = value;
    past.value = [];
    future.value = [];
  }

  function undo(): void {
    const before = past.value.at(-1);
    if (before === undefined) return;
    past.value = past.value.slice(0, -1);
    future.value = [...future.value, text.value];
    text.value = before;
    last.where = "";
  }

  function redo(): void {
    const next = future.value.at(-1);
    if (next === undefined) return;
    future.value = future.value.slice(0, -1);
    past.value = [...past.value, text.value];
    text.value = next;
    last.where = "";
  }

  /** The innermost step at a line of the file. */
  const stepAt = (line: number): Step | undefined =>
    steps.value.filter(({ from, to }) => from <= line && line <= to).sort((a, b) => b.from - a.from)[0];

  /** What is wrong with a step, but not what is wrong inside it. */
  const problemsOf = (id: string): Problem[] =>
    problems.value.filter(({ step: named, line }) => (named ?? stepAt(line)?.id) === id);

  watch(
    text,
    (value) => {
      const read = readFlow(value);
      syntax.value = read.problem;
      if (read.flow) flow.value = read.flow;
    },
    { immediate: true, flush: "sync" },
  );
  const { stop } = useChecks(text, problems);
  onScopeDispose(stop);

  return {
    text,
    stored,
    flow,
    syntax,
    problems,
    selected,
    step,
    steps,
    locked: computed(() => !mayChange || syntax.value !== null),
    isDirty: computed(() => text.value !== stored.value),
    canUndo: computed(() => past.value.length > 0),
    canRedo: computed(() => future.value.length > 0),
    write,
    change,
    open,
    undo,
    redo,
    stepAt,
    problemsOf,
    /** Names that a condition or a text may use: slots, and variables that steps fill. */
    names: computed(() => namesOf(flow.value, steps.value)),
  };
}

/** Has the server check each text, and shows the answer about the latest. */
function useChecks(text: { value: string }, problems: { value: readonly Problem[] }): { stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | null = null;
  const ask = async (): Promise<void> => {
    asking?.abort();
    const mine = (asking = new AbortController());
    try {
      const found = await flows.check(text.value, mine.signal);
      if (!mine.signal.aborted) problems.value = found.problems;
    } catch {
      // the next change asks again; saving tells what is wrong
    }
  };
  const unwatch = watch(
    () => text.value,
    (value) => {
      clearTimeout(timer);
      if (value) timer = setTimeout(() => void ask(), CHECK_MS);
    },
    { immediate: true },
  );
  return {
    stop: () => {
      unwatch();
      clearTimeout(timer);
      asking?.abort();
    },
  };
}

export type Editor = ReturnType<typeof useEditor>;
export const EDITOR: InjectionKey<Editor> = Symbol("editor");

/** The editor of the page around. */
export function theEditor(): Editor {
  const editor = inject(EDITOR);
  if (!editor) throw new Error("There is no flow editor around this.");
  return editor;
}

export const same = (a: Path, b: Path | null): boolean =>
  b !== null && a.length === b.length && a.every((key, index) => key === b[index]);

function namesOf(flow: Flow | null, steps: readonly Step[]): string[] {
  const filled = steps.flatMap(({ value }) => [
    ...Object.keys((value["save"] as object | null | undefined) ?? {}),
    ...(typeof value["set"] === "object" ? Object.keys(value["set"] ?? {}) : []),
    ...(typeof value["into"] === "string" ? [value["into"]] : []),
  ]);
  return [...new Set([...(flow?.slots.map(({ name }) => name) ?? []), ...filled])];
}
