import { describe, expect, it } from "vitest";
import { all, changed, double, insert, put, readFlow, remove, rename, shift } from "../src/flows/document";
import { draw } from "../src/flows/picture";
import { allSteps, type Flow } from "../src/flows/steps";

const TABLE = `# How the front desk books tables
schema: kefu.flow/v1
id: book_table
name: {en: Book a table, zh: 订位}
languages: [en, zh]
slots:
  # we seat twelve
  people:
    type: number
    question: {en: For how many?, zh: 几位？}
steps:
  - say: welcome
  - ask: [people]
    id: details
    unknown:
      - say: {en: "Any guess will do.", zh: 大概就行。}
  # the back office
  - call: tables.find
    with: {id: "{{ people }}"}
    on_error:
      - hand_over: tool
  - if: free
    then:
      - say: booked
    else:
      - goto: details
  - repeat: 2
    steps:
      - say: {en: Once more, zh: 再来}
  - choose: {en: What next?, zh: 接下来？}
    options:
      - {value: change, label: {en: Change it, zh: 修改}, steps: [{goto: details}]}
      - {value: done, label: {en: Done, zh: 完成}, steps: []}
  - end: solved
replies:
  welcome: {en: Hello!, zh: 您好！}
  booked: {en: Done., zh: 好了。}
`;

const flowOf = (text: string): Flow => {
  const { flow } = readFlow(text);
  if (!flow) throw new Error("not a flow");
  return flow;
};
const ids = (flow: Flow): string[] => allSteps(flow.steps).map(({ id }) => id);

describe("a flow's file", () => {
  it("is read with the ids that the engine makes", () => {
    const flow = flowOf(TABLE);
    expect(ids(flow)).toEqual([
      "say_1",
      "details",
      "say_2",
      "call_1",
      "hand_over_1",
      "if_1",
      "say_3",
      "goto_1",
      "repeat_1",
      "say_4",
      "choose_1",
      "goto_2",
      "end_1",
    ]);
    expect(flow.replies["welcome"]).toEqual({ en: "Hello!", zh: "您好！" });
    expect(allSteps(flow.steps).map(({ from }) => from)[1]).toBe(13);
    expect(flow.slots.map(({ name }) => name)).toEqual(["people"]);
  });

  it("counts as the engine does: named steps too, and around ids that are taken", () => {
    const flow = flowOf("steps:\n- {say: a, id: say_2}\n- {say: b}\n- {call: t, with: {id: call_1}}\n");
    expect(ids(flow)).toEqual(["say_2", "say_2_", "call_1_"]);
  });

  it("tells where it is no YAML", () => {
    const { flow, problem } = readFlow("id: a\nsteps:\n  - say: [hello\n");
    expect(flow).toBeNull();
    expect(problem?.line).toBeGreaterThan(2);
    expect(readFlow("- a list").problem?.message).toContain("map");
  });

  it("comes through a change with its comments, quotes and order", () => {
    const fresh = changed(TABLE, put(["replies", "welcome", "en"], "Welcome!")) ?? "";
    expect(fresh).toBe(TABLE.replace("Hello!", "Welcome!"));
    expect(changed("a: [", put(["a"], 1))).toBeNull();
  });

  it("takes new steps, moves and loses them", () => {
    const added = changed(TABLE, insert(["steps"], 1, { say: { en: "One moment", zh: "稍等" } })) ?? "";
    expect(added).toContain("  - say: welcome\n  - say: {en: One moment, zh: 稍等}\n  - ask: [people]");
    expect(changed(added, remove(["steps", 1]))).toBe(TABLE);
    const moved = flowOf(changed(TABLE, shift(["steps", 0], 1)) ?? "");
    expect(moved.steps.slice(0, 2).map(({ kind }) => kind)).toEqual(["ask", "say"]);
    expect(changed(TABLE, shift(["steps", 0], -1))).toBe(TABLE);
  });

  it("grows and loses branches with their steps", () => {
    const done = ["steps", 5, "options", 1, "steps"];
    const grown = flowOf(changed(TABLE, insert(done, 0, { end: "solved" })) ?? "");
    expect(grown.steps[5]?.branches[1]?.steps.map(({ kind }) => kind)).toEqual(["end"]);
    const lost = flowOf(changed(TABLE, remove(["steps", 2, "on_error", 0])) ?? "");
    expect(lost.steps[2]?.value).not.toHaveProperty("on_error");
    const otherwise = changed(TABLE, insert(["steps", 5, "otherwise"], 0, { hand_over: "flow" })) ?? "";
    expect(flowOf(otherwise).steps[5]?.branches.at(-1)?.steps).toHaveLength(1);
  });

  it("doubles a step without its ids, and keeps a tool's argument of that name", () => {
    const twice = flowOf(changed(TABLE, all(double(["steps", 1]), double(["steps", 3]))) ?? "");
    expect(twice.steps[2]?.isNamed).toBe(false);
    expect(twice.steps[4]?.value["with"]).toEqual({ id: "{{ people }}" });
  });

  it("writes what is long or has lines of its own as people would", () => {
    const long = changed(TABLE, put(["description"], "two\nlines\n")) ?? "";
    expect(long).toContain("description: |\n  two\n  lines\n");
    const slot = changed(TABLE, put(["slots", "day"], { type: "date", question: { en: "When?", zh: "何时？" } })) ?? "";
    expect(slot).toContain("  day:\n    type: date\n    question: {en: When?, zh: 何时？}\n");
  });

  it("forgets what is emptied, and the map around it", () => {
    const without = changed(TABLE, put(["replies", "booked", "en"], undefined)) ?? "";
    expect(flowOf(without).replies["booked"]).toEqual({ zh: "好了。" });
    const gone = flowOf(changed(without, put(["replies", "booked", "zh"], undefined)) ?? "");
    expect(gone.replies).not.toHaveProperty("booked");
    expect(flowOf(changed(TABLE, rename(["slots", "people"], "guests")) ?? "").slots[0]?.name).toBe("guests");
  });
});

describe("the picture of a flow", () => {
  const { nodes, edges } = draw(flowOf(TABLE));
  const ways = (from: string): string[] => edges.filter((edge) => edge.from === from).map(({ to }) => to);

  it("shows every step once, and nothing upon another", () => {
    expect(nodes.filter(({ kind }) => kind === "step")).toHaveLength(13);
    for (const a of nodes)
      for (const b of nodes)
        if (a !== b)
          expect(
            a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y,
            `${a.id} ${b.id}`,
          ).toBe(true);
  });

  it("leads from the start through branches to the end", () => {
    expect(ways("start")).toEqual(["say_1"]);
    expect(ways("details").sort()).toEqual(["after:details", "say_2"]);
    expect(ways("call_1").sort()).toEqual(["hand_over_1", "if_1"]);
    expect(ways("hand_over_1")).toEqual([]);
    expect(ways("if_1").sort()).toEqual(["goto_1", "say_3"]);
    expect(ways("goto_1")).toEqual(["details"]);
    expect(ways("say_4")).toEqual(["repeat_1"]);
    expect(edges.find(({ from, to }) => from === "say_4" && to === "repeat_1")?.way).toBe("back");
    expect(ways("choose_1")).toContain("goto_2");
    expect(nodes.some(({ id }) => id === "end")).toBe(false); // the last step ends it
  });

  it("says on each edge where a step goes that is put there", () => {
    const place = (from: string, to: string): unknown =>
      edges.find((edge) => edge.from === from && edge.to === to)?.place;
    expect(place("start", "say_1")).toEqual({ list: ["steps"], index: 0 });
    expect(place("say_1", "details")).toEqual({ list: ["steps"], index: 1 });
    expect(place("if_1", "say_3")).toEqual({ list: ["steps", 3, "then"], index: 0 });
    expect(place("say_3", "repeat_1")).toEqual({ list: ["steps", 3, "then"], index: 1 });
    expect(nodes.find(({ id }) => id === "after:details")?.place).toEqual({ list: ["steps"], index: 2 });
  });

  it("is drawn for a flow without steps, and ends where its last step goes on", () => {
    const empty = draw(flowOf("id: a\nsteps: []\n"));
    expect(empty.edges.map(({ from, to, place }) => [from, to, place])).toEqual([
      ["start", "end", { list: ["steps"], index: 0 }],
    ]);
    expect(draw(flowOf("id: a\nsteps: [{say: hi}]\n")).edges.at(-1)).toMatchObject({ from: "say_1", to: "end" });
  });
});
