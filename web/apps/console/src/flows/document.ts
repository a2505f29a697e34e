import {
  isMap as isYamlMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  YAMLSeq,
  type Document,
  type Node,
  type YAMLMap,
} from "yaml";
import { KINDS, isMap, textsOf, type Branch, type Flow, type Kind, type Path, type Slot, type Step } from "./steps";

/** A mistake of YAML itself: the file cannot be read until it is mended. */
export interface SyntaxProblem {
  message: string;
  line: number;
  column: number;
}

export type Read = { flow: Flow; problem: null } | { flow: null; problem: SyntaxProblem };

/** The flow that a text describes, or why it cannot be read. */
export function readFlow(text: string): Read {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const [error] = document.errors;
  if (error) {
    const { line, col } = counter.linePos(error.pos[0]);
    return { flow: null, problem: { message: error.message.split("\n")[0] ?? error.code, line, column: col } };
  }
  if (!isYamlMap(document.contents))
    return { flow: null, problem: { message: "A flow is a map: id, slots, steps, replies.", line: 1, column: 1 } };
  return { flow: new Reader(document, counter).flow(), problem: null };
}

/** Reads what it knows and passes over the rest; the engine makes the same ids for steps that have none. */
class Reader {
  private readonly counts = new Map<Kind, number>();
  private readonly taken: Set<string>;

  constructor(
    private readonly document: Document,
    private readonly counter: LineCounter,
  ) {
    this.taken = new Set(namesIn(plain(this.document.get("steps", true), this.document)));
  }

  flow(): Flow {
    const table = plain(this.document.contents, this.document) as Record<string, unknown>;
    const languages = Array.isArray(table["languages"]) ? table["languages"].map(String) : [];
    return {
      id: word(table["id"]),
      name: textsOf(table["name"]),
      description: word(table["description"]),
      languages: languages.length ? languages : ["en"],
      when: isMap(table["when"]) ? table["when"] : {},
      interrupts: isMap(table["interrupts"]) ? table["interrupts"] : {},
      slots: this.slots(),
      steps: this.steps(["steps"]),
      replies: isMap(table["replies"])
        ? Object.fromEntries(Object.entries(table["replies"]).map(([key, texts]) => [key, textsOf(texts)]))
        : {},
    };
  }

  private slots(): Slot[] {
    const slots = this.document.get("slots", true);
    if (!isYamlMap(slots)) return [];
    return slots.items.flatMap(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : "";
      const settings = plain(value as Node, this.document);
      return name ? [{ name, value: isMap(settings) ? settings : {}, ...this.lines(value as Node, key as Node) }] : [];
    });
  }

  private steps(path: Path): Step[] {
    const list = this.document.getIn(path, true);
    if (!isSeq(list)) return [];
    return list.items.flatMap((item, index) => {
      const step = this.step(item as Node, [...path, index]);
      return step ? [step] : [];
    });
  }

  private step(node: Node, path: Path): Step | null {
    const value = plain(node, this.document);
    const kind = isMap(value) ? KINDS.find((each) => each in value) : undefined;
    if (!isMap(value) || !kind) return null;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const isNamed = typeof value["id"] === "string" && value["id"] !== "";
    const id = isNamed ? word(value["id"]) : this.made(kind);
    return { id, isNamed, kind, path, value, branches: this.branches(kind, value, path), ...this.lines(node) };
  }

  /** As the engine makes it: the kind and the how-manieth of its kind, with more underscores where that is taken. */
  private made(kind: Kind): string {
    let id = `${kind}_${this.counts.get(kind) ?? 0}`;
    while (this.taken.has(id)) id += "_";
    this.taken.add(id);
    return id;
  }

  private branches(kind: Kind, value: Record<string, unknown>, path: Path): Branch[] {
    const options = kind === "choose" && Array.isArray(value["options"]) ? value["options"] : [];
    return [
      ...options.map((option: unknown, index) => ({
        name: isMap(option) ? word(option["value"]) : "",
        label: isMap(option) ? textsOf(option["label"]) : {},
        isOption: true,
        path: [...path, "options", index, "steps"],
        steps: this.steps([...path, "options", index, "steps"]),
      })),
      ...BRANCHES[kind].map((name) => ({
        name,
        label: {},
        isOption: false,
        path: [...path, name],
        steps: this.steps([...path, name]),
      })),
    ];
  }

  private lines(node: Node, start: Node = node): { from: number; to: number } {
    const from = this.counter.linePos(start.range?.[0] ?? 0).line;
    const end = this.counter.linePos(Math.max((node.range?.[1] ?? 1) - 1, 0)).line;
    return { from, to: Math.max(from, end) };
  }
}

/** The lists of steps that a step of each kind may hold, in the order in which they are drawn. */
export const BRANCHES: Readonly<Record<Kind, readonly string[]>> = {
  say: [],
  ask: ["unknown"],
  choose: ["otherwise"],
  call: ["on_error"],
  set: [],
  if: ["then", "else"],
  repeat: ["steps", "otherwise"],
  goto: [],
  call_flow: [],
  hand_over: [],
  rate: [],
  end: [],
};

/** One change of the file. */
export type Change = (document: Document) => void;

/** The text after a change: comments, quotes and order stay as they are; null where the file cannot be read. */
export function changed(text: string, change: Change): string | null {
  const document = parseDocument(text);
  if (document.errors.length) return null;
  change(document);
  // Line width 0: long sentences stay on their line, as people write them.
  return document.toString({
    lineWidth: 0,
    indentSeq: !/^[\w-]+:[ \t]*(#.*)?\n- /m.test(text),
    flowCollectionPadding: /(?<!\{)[{[] \S/.test(text),
  });
}

/** Sets a value; undefined takes it away, and a map or list that becomes empty with it. */
export const put =
  (path: Path, value: unknown): Change =>
  (document) => {
    if (value === undefined) take(document, path);
    else if (isScalarValue(value) && isScalar(document.getIn(path, true))) putScalar(document, path, value);
    else {
      document.setIn(path, made(document, value, path));
      if (path[0] !== undefined) place(document, String(path[0]));
    }
  };

/** What a flow is made of, in the order in which people read it. */
const ORDER = "schema id name version description languages when slots steps replies interrupts".split(" ");

/** A part that has come to the end of the file goes before those that follow it in the order. */
function place(document: Document, key: string): void {
  const table = document.contents;
  if (!isYamlMap(table)) return;
  const keys = table.items.map((pair) => String(isScalar(pair.key) ? pair.key.value : pair.key));
  const after = new Set(ORDER.slice(ORDER.indexOf(key) + 1));
  const before = keys.findIndex((each) => after.has(each));
  if (keys.at(-1) !== key || !ORDER.includes(key) || before < 0) return;
  const [pair] = table.items.splice(-1);
  if (pair) table.items.splice(before, 0, pair);
}

/** Puts a step into a list that may not be there yet. */
export const insert =
  (list: Path, index: number, step: Record<string, unknown>): Change =>
  (document) => {
    const node = document.createNode(step) as YAMLMap;
    tidy(node);
    const steps = document.getIn(list, true);
    if (!isSeq(steps)) {
      const fresh = new YAMLSeq(document.schema);
      fresh.items.push(node);
      document.setIn(list, fresh);
      return;
    }
    if (!steps.items.length) steps.flow = false; // `steps: []` was short for none
    steps.items.splice(index, 0, node);
  };

/** Takes a step away; a branch that is empty then goes with it, except an option's. */
export const remove =
  (path: Path): Change =>
  (document) => {
    const list = path.slice(0, -1);
    const steps = document.getIn(list, true);
    if (!isSeq(steps)) return;
    steps.items.splice(Number(path.at(-1)), 1);
    if (steps.items.length) return;
    if (KEPT_EMPTY.has(String(list.at(-1)))) steps.flow = true;
    else document.deleteIn(list);
  };

/** Moves a step by one place within its list. */
export const shift =
  (path: Path, by: 1 | -1): Change =>
  (document) => {
    const steps = document.getIn(path.slice(0, -1), true);
    const index = Number(path.at(-1));
    if (!isSeq(steps) || !(index + by in steps.items)) return;
    const [step] = steps.items.splice(index, 1);
    steps.items.splice(index + by, 0, step);
  };

/** The same step once more, after itself; ids are not doubled. */
export const double =
  (path: Path): Change =>
  (document) => {
    const value = plain(document.getIn(path, true) as Node, document);
    if (isMap(value))
      insert(path.slice(0, -1), Number(path.at(-1)) + 1, withoutIds(value) as Record<string, unknown>)(document);
  };

/** Gives a map's entry another name, in its place. */
export const rename =
  (path: Path, name: string): Change =>
  (document) => {
    const map = document.getIn(path.slice(0, -1), true);
    if (!isYamlMap(map)) return;
    const pair = map.items.find(({ key }) => (isScalar(key) ? String(key.value) : "") === String(path.at(-1)));
    if (pair) pair.key = document.createNode(name);
  };

export const all =
  (...changes: readonly Change[]): Change =>
  (document) => {
    for (const change of changes) change(document);
  };

const KEPT_EMPTY: ReadonlySet<string> = new Set(["steps", "then"]);

const word = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

const plain = (node: unknown, document: Document): unknown =>
  node && typeof node === "object" && "toJS" in node ? (node as Node).toJS(document, { maxAliasCount: 100 }) : null;

const isScalarValue = (value: unknown): boolean => value === null || typeof value !== "object";

function putScalar(document: Document, path: Path, value: unknown): void {
  const scalar = document.getIn(path, true) as Scalar;
  scalar.value = value;
  if (typeof value === "string" && value.includes("\n")) scalar.type = Scalar.BLOCK_LITERAL;
  else if (typeof value !== "string" || scalar.type === Scalar.BLOCK_LITERAL || scalar.type === Scalar.BLOCK_FOLDED)
    delete scalar.type;
}

function take(document: Document, path: Path): void {
  if (!document.hasIn(path)) return;
  document.deleteIn(path);
  const parent = path.slice(0, -1);
  const name = parent.at(-1);
  // A step keeps the word that makes it one, and a slot its name, though nothing stands there.
  const isKept = typeof name !== "string" || KINDS.some((kind) => kind === name) || parent.at(-2) === "slots";
  const rest = isKept ? null : document.getIn(parent, true);
  if (isYamlMap(rest) && !rest.items.length) take(document, parent);
}

function made(document: Document, value: unknown, path: Path): Node {
  const node = document.createNode(value) as Node;
  const before = document.getIn(path, true);
  if ((isYamlMap(node) || isSeq(node)) && (isYamlMap(before) || isSeq(before)) && before.flow !== undefined)
    node.flow = before.flow;
  else tidy(node);
  return node;
}

/** Short texts by language, and lists of words, stand on one line as people write them. */
function tidy(node: unknown): void {
  if (isScalar(node)) {
    if (typeof node.value === "string" && node.value.includes("\n")) node.type = Scalar.BLOCK_LITERAL;
    return;
  }
  if (!isYamlMap(node) && !isSeq(node)) return;
  for (const item of node.items) tidy(isPair(item) ? item.value : item);
  const json = JSON.stringify(node.toJSON());
  node.flow = json.length < 90 && !json.includes("\\n") && isFlat(node);
}

const isFlat = (node: YAMLMap | YAMLSeq): boolean =>
  node.items.length === 0 ||
  (isYamlMap(node)
    ? node.items.every(({ key, value }) => isScalar(value) && /^[a-z]{2}$/.test(String((key as Scalar).value)))
    : node.items.every((item) => isScalar(item)));

/** A tool's argument may be called `id` too; only a step's own id counts. */
const isStep = (value: Record<string, unknown>): boolean => KINDS.some((kind) => kind in value);

function withoutIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIds);
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "id" || !isStep(value));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutIds(inner)]));
}

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (!isMap(value)) return [];
  const own = typeof value["id"] === "string" ? [value["id"]] : [];
  return [...own, ...Object.values(value).flatMap(namesIn)];
}
