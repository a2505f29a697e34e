import type { Branch, Flow, Path, Step, Texts } from "./steps";
import { FINAL } from "./steps";

/** Sizes in pixels; the styles of StepNode follow them. */
export const NODE = { width: 224, height: 78 } as const;
export const DOT = 26;
const PILL = { width: 132, height: 38 } as const;
const GAP = { x: 36, y: 58 } as const;

/** Where a new step goes. */
export interface Place {
  list: Path;
  index: number;
}

export interface PictureNode {
  id: string;
  /** `dot`: only a place for a new step. */
  kind: "start" | "step" | "dot" | "end";
  x: number;
  y: number;
  width: number;
  height: number;
  step: Step | null;
  place: Place | null;
}

export interface PictureEdge {
  id: string;
  from: string;
  to: string;
  /** Of the branch that begins here: its name and, of an option, its words. */
  branch: { name: string; label: Texts; isOption: boolean } | null;
  /** `back`: a round more; `jump`: a goto. Both go around, by the side. */
  way: "down" | "back" | "jump";
  /** Where a step goes that is put on this edge; null where it ends at a dot that says so. */
  place: Place | null;
}

export interface Picture {
  nodes: PictureNode[];
  edges: PictureEdge[];
}

/** The flow drawn from above to below: branches side by side, each step once. */
export function draw(flow: Flow): Picture {
  const picture = new Drawing();
  picture.whole(flow);
  return picture;
}

/** What is open at the lower end of something drawn. */
interface End {
  node: string;
  branch: PictureEdge["branch"];
  place: Place;
  isDot: boolean;
}

/** Something drawn, around an axis: how far it reaches to both sides, how deep, and what is open below. */
interface Drawn {
  left: number;
  right: number;
  height: number;
  ends: End[];
  move: (x: number, y: number) => void;
}

const NOTHING: Drawn = { left: 0, right: 0, height: 0, ends: [], move: () => undefined };

class Drawing implements Picture {
  readonly nodes: PictureNode[] = [];
  readonly edges: PictureEdge[] = [];

  whole(flow: Flow): void {
    const start = this.node("start", "start", PILL);
    const list = this.list(
      flow.steps,
      ["steps"],
      [{ node: "start", branch: null, place: { list: ["steps"], index: 0 }, isDot: false }],
    );
    start.move(0, 0);
    list.move(0, PILL.height + GAP.y);
    if (list.ends.length) {
      const end = this.node("end", "end", PILL);
      this.join(list.ends, "end");
      end.move(0, PILL.height + GAP.y + (list.height ? list.height + GAP.y : 0));
    }
    for (const { id, step } of this.nodes) if (step?.kind === "goto") this.jump(id, String(step.value["goto"] ?? ""));
    const known = new Set(this.nodes.map(({ id }) => id));
    this.edges.splice(0, this.edges.length, ...this.edges.filter(({ to }) => known.has(to)));
  }

  /** Steps one below the other; `before` are the open ends that lead to the first. */
  private list(steps: readonly Step[], path: Path, before: readonly End[]): Drawn {
    let ends = [...before];
    let depth = 0;
    const drawn = steps.map((step, index) => {
      const block = this.block(step);
      const y = depth;
      this.join(ends, step.id);
      ends = this.merged(block, { list: path, index: index + 1 }, step.id);
      depth += block.height + GAP.y;
      return { block, y };
    });
    return {
      left: Math.max(0, ...drawn.map(({ block }) => block.left)),
      right: Math.max(0, ...drawn.map(({ block }) => block.right)),
      height: Math.max(0, depth - GAP.y),
      ends,
      move: (x, y) => {
        for (const each of drawn) each.block.move(x, y + each.y);
      },
    };
  }

  /** Several ends are brought together at a dot, which is where the next step of the list goes. */
  private merged(block: Drawn, place: Place, step: string): End[] {
    if (block.ends.length < 2) return block.ends.map((end) => (end.node === step ? { ...end, place } : end));
    const id = `after:${step}`;
    const dot = this.node(id, "dot", { width: DOT, height: DOT }, null, place);
    this.join(
      block.ends.map((end) => (end.node === step ? { ...end, place } : end)),
      id,
    );
    const { height, move } = block;
    block.height += GAP.y + DOT;
    block.move = (x, y) => {
      move(x, y);
      dot.move(x, y + height + GAP.y);
    };
    return [{ node: id, branch: null, place, isDot: true }];
  }

  private block(step: Step): Drawn {
    const node = this.node(step.id, "step", NODE, step);
    const side = SIDE[step.kind] !== undefined;
    const columns = this.branches(step).map((branch) => this.column(step, branch));
    const own: End = { node: step.id, branch: null, place: { list: [], index: 0 }, isDot: false };
    const ends = [
      ...(FINAL.has(step.kind) || (columns.length && !side) ? [] : [own]),
      ...columns.flatMap((column) => column.ends),
    ];
    if (!columns.length) return { ...node, ends };
    const offsets = side ? besides(columns) : around(columns);
    const below = NODE.height + GAP.y;
    return {
      left: Math.max(node.left, ...columns.map(({ left }, i) => left - (offsets[i] ?? 0))),
      right: Math.max(node.right, ...columns.map(({ right }, i) => right + (offsets[i] ?? 0))),
      height: below + Math.max(...columns.map(({ height }) => height)),
      ends,
      move: (x, y) => {
        node.move(x, y);
        columns.forEach((column, i) => {
          column.move(x + (offsets[i] ?? 0), y + below);
        });
      },
    };
  }

  /** Both ways of an `if` and all options are shown; what only happens when something fails, where it is written. */
  private branches({ kind, branches }: Step): Branch[] {
    return branches.filter(({ name, steps, isOption }) => steps.length || isOption || ALWAYS[kind]?.includes(name));
  }

  private column(step: Step, branch: Branch): Drawn {
    const named = { name: branch.name, label: branch.label, isOption: branch.isOption };
    const first: End = { node: step.id, branch: named, place: { list: branch.path, index: 0 }, isDot: false };
    const drawn = branch.steps.length ? this.list(branch.steps, branch.path, [first]) : this.empty(first);
    if (step.kind !== "repeat" || branch.name !== "steps") return drawn;
    for (const end of drawn.ends) this.edge(end, step.id, "back");
    return { ...drawn, ends: [] };
  }

  private empty(first: End): Drawn {
    const id = `in:${first.place.list.join("/")}`;
    const dot = this.node(id, "dot", { width: DOT, height: DOT }, null, first.place);
    this.edge({ ...first, isDot: true }, id, "down");
    // As wide as the words on the edge above it need.
    return {
      ...dot,
      left: PILL.width / 2,
      right: PILL.width / 2,
      ends: [{ ...first, node: id, branch: null, isDot: true }],
    };
  }

  private join(ends: readonly End[], to: string): void {
    for (const end of ends) this.edge(end, to, "down");
  }

  private jump(from: string, to: string): void {
    this.edges.push({ id: `${from}>${to}`, from, to, branch: null, way: "jump", place: null });
  }

  private edge({ node, branch, place, isDot }: End, to: string, way: "down" | "back"): void {
    const id = `${node}>${to}${branch ? `:${branch.name}` : ""}`;
    this.edges.push({ id, from: node, to, branch, way, place: isDot ? null : place });
  }

  private node(
    id: string,
    kind: PictureNode["kind"],
    { width, height }: { width: number; height: number },
    step: Step | null = null,
    place: Place | null = null,
  ): Drawn {
    const node: PictureNode = { id, kind, x: 0, y: 0, width, height, step, place };
    this.nodes.push(node);
    const move = (x: number, y: number): void => {
      node.x = x - width / 2;
      node.y = y;
    };
    return { ...NOTHING, left: width / 2, right: width / 2, height, move };
  }
}

/** Kinds whose main way goes straight on, with their branches at the side. */
const SIDE: Readonly<Record<string, true>> = { ask: true, call: true, repeat: true };
const ALWAYS: Readonly<Record<string, readonly string[]>> = { if: ["then", "else"], repeat: ["steps"] };

/** Columns to the right of the axis, which stays free. */
function besides(columns: readonly Drawn[]): number[] {
  let x = NODE.width / 2 + GAP.x;
  return columns.map(({ left, right }) => {
    const axis = x + left;
    x = axis + right + GAP.x;
    return axis;
  });
}

/** Columns on both sides of the axis. */
function around(columns: readonly Drawn[]): number[] {
  let x = 0;
  const axes = columns.map(({ left, right }) => {
    const axis = x + left;
    x = axis + right + GAP.x;
    return axis;
  });
  const middle = ((axes[0] ?? 0) + (axes.at(-1) ?? 0)) / 2;
  return axes.map((axis) => axis - middle);
}
