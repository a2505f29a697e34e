import { createApp, h } from "vue";
import { describe, expect, it } from "vitest";
import {
  RichText,
  brandColors,
  contrast,
  createI18n,
  languageOf,
  localized,
  parseColor,
  parseText,
  type Rgb,
} from "../src";

describe("brandColors", () => {
  const BRANDS = ["#3a5bd9", "#ffffff", "#000000", "#ffe100", "#ff6a00", "#7fd0c7", "#808080", "#e60012"];
  const rgb = (text: string): Rgb => parseColor(text) as Rgb;

  it.each(BRANDS)("%s stays readable in both schemes", (brand) => {
    for (const [scheme, page] of [
      ["light", "#f1f3f6"],
      ["dark", "#25282f"],
    ] as const) {
      const { fill, onFill, ink } = brandColors(rgb(brand), scheme);
      expect(contrast(rgb(fill), rgb(onFill))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb(ink), rgb(page))).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("leaves a colour alone that is readable as it is", () => {
    expect(brandColors(rgb("#3a5bd9"), "light").fill).toBe("#3a5bd9");
  });

  it("reads short and long hex and nothing else", () => {
    expect(parseColor("#0af")).toEqual([0, 170, 255]);
    for (const text of ["red", "#12", "url(x)", "", null, undefined]) expect(parseColor(text)).toBeNull();
  });
});

describe("texts", () => {
  const { t, language } = createI18n(
    { hi: "Hello {name}", left: { one: "{count} character", other: "{count} characters" } },
    { hi: "您好，{name}", left: "{count} 个字" },
    "en",
  );

  it("fill in names and count", () => {
    expect(t("hi", { name: "Mei" })).toBe("Hello Mei");
    expect(t("left", { count: 1 })).toBe("1 character");
    expect(t("left", { count: 2 })).toBe("2 characters");
    expect([t("left", { count: "1" }), t("left", { count: "1,000" })]).toEqual(["1 character", "1,000 characters"]);
    language.value = "zh";
    expect(t("hi", { name: "Mei" })).toBe("您好，Mei");
    expect(t("left", { count: 1 })).toBe("1 个字");
  });

  it("choose a language by its tag", () => {
    expect(["zh-CN", "zh_TW", "ZH", "en-GB"].map(languageOf)).toEqual(["zh", "zh", "zh", "en"]);
    expect(languageOf("fr")).toBeNull();
  });

  it("take a company's text as it is, or by language", () => {
    expect(localized("same", "zh")).toBe("same");
    expect(localized({ en: "Hi", zh: "您好" }, "zh")).toBe("您好");
    expect(localized({ zh: "您好" }, "en")).toBe("您好");
    expect(localized(["a"], "en")).toEqual(["a"]);
    expect(localized<string>(undefined, "en")).toBeUndefined();
  });
});

describe("parseText", () => {
  it("shows who is named after an @, the longest name first", () => {
    const [block] = parseText("@Ann Lee and @Ann, mail ann@Lee.org or https://x.org/@Ann", ["Ann", "Ann Lee"]);
    const inlines = block?.kind === "paragraph" ? block.inlines : [];
    expect(inlines.map(({ kind }) => kind)).toEqual(["mention", "text", "mention", "text", "link"]);
    expect(inlines[0]).toEqual({ kind: "mention", text: "@Ann Lee" });
    expect(parseText("@Ann")).toEqual([{ kind: "paragraph", inlines: [{ kind: "text", text: "@Ann" }] }]);
  });

  const links = (text: string): string[] =>
    parseText(text).flatMap((block) =>
      (block.kind === "list" ? block.items.flat() : block.inlines).flatMap((part) =>
        part.kind === "link" ? [part.href] : [],
      ),
    );

  it.each([
    ["See https://a.example/x.", ["https://a.example/x"]],
    ["(https://a.example/x)", ["https://a.example/x"]],
    ["https://a.example/wiki/A_(b)", ["https://a.example/wiki/A_(b)"]],
    ["请看https://a.example/帮助。谢谢", ["https://a.example/"]],
    ["详见 https://a.example/help，谢谢", ["https://a.example/help"]],
    ["two: http://a.example, https://b.example?x=1&y=2!", ["http://a.example", "https://b.example?x=1&y=2"]],
    ["javascript:alert(1) ftp://a.example www.a.example", []],
    ["https://", []],
  ])("finds the addresses of %s", (text, expected) => {
    expect(links(text)).toEqual(expected);
  });

  it("keeps paragraphs, line breaks and simple lists", () => {
    expect(parseText("One\ntwo\n\nThree\n- a\n- b\n1. c\n2、d")).toEqual([
      { kind: "paragraph", inlines: [{ kind: "text", text: "One" }, { kind: "break" }, { kind: "text", text: "two" }] },
      { kind: "paragraph", inlines: [{ kind: "text", text: "Three" }] },
      { kind: "list", ordered: false, start: 1, items: [[{ kind: "text", text: "a" }], [{ kind: "text", text: "b" }]] },
      { kind: "list", ordered: true, start: 1, items: [[{ kind: "text", text: "c" }], [{ kind: "text", text: "d" }]] },
    ]);
  });

  it("takes no minus, price or year for a list", () => {
    for (const text of ["-5 degrees", "3.5 kg", "2026. was long ago", "*"]) {
      expect(parseText(text)[0]?.kind).toBe("paragraph");
    }
  });
});

describe("RichText", () => {
  function render(text: string): HTMLElement {
    const root = document.createElement("div");
    createApp({ render: () => h(RichText, { text }) }).mount(root);
    return root;
  }

  it("shows markup as the text it is", () => {
    const evil = `<img src=x onerror=alert(1)><script>alert(1)</script> <a href="javascript:alert(1)">x</a>`;
    const root = render(evil);
    expect(root.querySelector("img, script, a")).toBeNull();
    expect(root.textContent).toBe(evil);
  });

  it("opens links elsewhere, without telling where from", () => {
    const link = render("see https://a.example/x").querySelector("a");
    expect(link?.getAttribute("href")).toBe("https://a.example/x");
    expect(link?.rel).toContain("noopener");
    expect(link?.target).toBe("_blank");
  });
});
