import type { Flow, Kind } from "./steps";

/** A new step as it is put into the file: what it needs is there, with the words still to be written. */
export function freshStep(kind: Kind, flow: Flow): Record<string, unknown> {
  const empty = Object.fromEntries(flow.languages.map((language) => [language, ""]));
  switch (kind) {
    case "say":
      return { say: empty };
    case "ask":
      return { ask: flow.slots[0] ? [flow.slots[0].name] : [] };
    case "choose":
      return {
        choose: empty,
        options: ["a", "b"].map((value) => ({ value, label: { ...empty }, steps: [] })),
      };
    case "call":
      return { call: "" };
    case "set":
      return { set: {} };
    case "if":
      return { if: "", then: [] };
    case "repeat":
      return { repeat: 3, steps: [] };
    case "goto":
      return { goto: "" };
    case "call_flow":
      return { call_flow: "" };
    case "hand_over":
      return { hand_over: "flow" };
    case "rate":
      return { rate: empty };
    case "end":
      return { end: "solved" };
  }
}
