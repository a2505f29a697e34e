import { createApp, defineComponent, h, nextTick, provide } from "vue";
import { beforeEach, describe, expect, it, vi } from "vitest";
import FlowField from "../src/flows/FlowField.vue";
import { EDITOR, useEditor, type Editor } from "../src/flows/editor";
import type { Path } from "../src/flows/steps";

const FILE = `id: a
languages: [en, zh]
steps:
- say: {en: Hello, zh: 您好}
`;

/** A field of the file, and the editor that it writes to. */
async function field(path: Path, value: unknown, more: Record<string, unknown>, mayChange = true) {
  let editor!: Editor;
  const page = defineComponent(() => {
    editor = useEditor({ mayChange });
    editor.open(FILE);
    provide(EDITOR, editor);
    return () => h(FlowField, { path, value, label: "It", ...more } as never);
  });
  const place = document.createElement("div");
  document.body.append(place);
  createApp(page).mount(place);
  await nextTick();
  return { editor, place, control: (css: string) => place.querySelector(css) as HTMLInputElement };
}

function enter(control: HTMLInputElement, text: string): void {
  control.value = text;
  control.dispatchEvent(new Event("input"));
  control.dispatchEvent(new Event("change"));
}

describe("a field of a flow's file", () => {
  beforeEach(() => {
    vi.stubGlobal("fetch", () => new Promise(() => undefined));
  });

  it("writes each language of a text to its place", async () => {
    const { editor, place } = await field(["replies", "late"], { en: "Late" }, { as: "texts", keep: true });
    expect(place.textContent).toContain("Chinese · missing");
    enter(place.querySelectorAll("textarea")[1] as unknown as HTMLInputElement, "晚了");
    expect(editor.flow.value?.replies["late"]?.["zh"]).toBe("晚了");
  });

  it("finds nothing missing where nothing need be", async () => {
    const { place } = await field(["replies", "late"], undefined, { as: "texts" });
    expect(place.textContent).not.toContain("missing");
  });

  it("shows what holds where the file says nothing, and writes only what differs", async () => {
    const off = await field(["interrupts", "corrections"], undefined, { as: "toggle", fallback: true });
    expect(off.control("button").dataset["state"]).toBe("checked");
    off.control("button").click();
    expect(off.editor.flow.value?.interrupts["corrections"]).toBe(false);
    const options = [
      { value: "answer", label: "Answer" },
      { value: "ignore", label: "Pass over" },
    ];
    const choice = await field(["interrupts", "questions"], undefined, { as: "choice", fallback: "answer", options });
    expect(choice.control("select").value).toBe("answer");
    enter(choice.control("select"), "ignore");
    expect(choice.editor.text.value).toContain("questions: ignore");
    const number = await field(["slots", "day", "ask_again"], undefined, { as: "number", fallback: 2 });
    expect(number.control("input").value).toBe("2");
  });

  it("shows a choice that nobody would offer", async () => {
    const { control } = await field(["a"], "10 days", { as: "choice", fallback: "flow", options: [] });
    expect(control("select").value).toBe("10 days");
  });

  it("puts a new part where people look for it", async () => {
    const { editor, control } = await field(["description"], undefined, {});
    enter(control("input"), "Says hello");
    expect(editor.text.value.indexOf("description")).toBeLessThan(editor.text.value.indexOf("languages"));
  });

  it("is locked for who may not change it", async () => {
    const { control } = await field(["description"], "", {}, false);
    expect(control("input").disabled).toBe(true);
  });

  it("stays empty while a number is typed anew, and shows what holds once it is left", async () => {
    const { editor, control } = await field(["slots", "a", "ask_again"], 3, { as: "number", fallback: 2, min: 0 });
    enter(control("input"), "");
    await nextTick();
    expect(control("input").value).toBe("");
    enter(control("input"), "5");
    await nextTick();
    expect(editor.text.value).toContain("ask_again: 5");
    enter(control("input"), "");
    control("input").dispatchEvent(new Event("blur"));
    await nextTick();
    expect(control("input").value).toBe("3"); // what the page hands in
  });
});
