/**
 * Plain text as blocks to render with text nodes: paragraphs, simple lists and http(s) links.
 *
 * Nothing here ever becomes markup, whatever the text holds.
 */

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "break" }
  | { kind: "link"; text: string; href: string }
  | { kind: "mention"; text: string };

export type Block =
  { kind: "paragraph"; inlines: Inline[] } | { kind: "list"; ordered: boolean; start: number; items: Inline[][] };

/** "- item", "* item", "• item" or "1. item", "1) item", "1、item". */
const ITEM = /^\s{0,3}(?:([-*•·])\s+|(\d{1,3})(?:[.)]\s+|、\s*))(?=\S)/;

/** An address up to white space, a quote, a bracket that opens, or Chinese punctuation and letters (which end it without a space). */
const URL_TEXT = /https?:\/\/[^\s<>"'`{}|\\^\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+/gi;

/** `names`: who may be named after an @. */
export function parseText(text: string, names: readonly string[] = []): Block[] {
  const blocks: Block[] = [];
  // The longest first, where one name begins with another.
  const named = [...names].filter(Boolean).sort((a, b) => b.length - a.length);
  const parseInline = (line: string): Inline[] =>
    parseLinks(line).flatMap((part) => (part.kind === "text" ? parseMentions(part.text, named) : [part]));
  const parseLines = (lines: readonly string[]): Inline[] =>
    lines.flatMap((line, i) => (i ? [{ kind: "break" } as const, ...parseInline(line)] : parseInline(line)));
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    if (paragraph.length) blocks.push({ kind: "paragraph", inlines: parseLines(paragraph) });
    paragraph = [];
  };
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    const item = ITEM.exec(line);
    if (item) {
      endParagraph();
      addItem(blocks, item[2], parseInline(line.slice(item[0].length).trim()));
    } else if (line.trim() === "") {
      endParagraph();
    } else {
      paragraph.push(line.trimEnd());
    }
  }
  endParagraph();
  return blocks;
}

function addItem(blocks: Block[], number: string | undefined, inlines: Inline[]): void {
  const ordered = number !== undefined;
  const last = blocks.at(-1);
  const follows = last?.kind === "list" && last.ordered === ordered;
  if (follows) last.items.push(inlines);
  else blocks.push({ kind: "list", ordered, start: ordered ? Number(number) : 1, items: [inlines] });
}

function parseMentions(text: string, names: readonly string[]): Inline[] {
  const found: Inline[] = [];
  let rest = text;
  for (let at = rest.indexOf("@"); at >= 0;) {
    const name = names.find((each) => rest.startsWith(each, at + 1));
    if (name === undefined) {
      at = rest.indexOf("@", at + 1);
      continue;
    }
    if (at) found.push({ kind: "text", text: rest.slice(0, at) });
    found.push({ kind: "mention", text: `@${name}` });
    rest = rest.slice(at + 1 + name.length);
    at = rest.indexOf("@");
  }
  return rest ? [...found, { kind: "text", text: rest }] : found;
}

function parseLinks(text: string): Inline[] {
  const inlines: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(URL_TEXT)) {
    const address = trimAddress(match[0]);
    if (!URL.canParse(address)) continue;
    if (match.index > end) inlines.push({ kind: "text", text: text.slice(end, match.index) });
    inlines.push({ kind: "link", text: address, href: address });
    end = match.index + address.length;
  }
  if (end < text.length) inlines.push({ kind: "text", text: text.slice(end) });
  return inlines;
}

/** Leaves out the punctuation of the sentence around an address, and a bracket that opened before it. */
function trimAddress(address: string): string {
  let trimmed = address.replace(/[.,;:!?*_~]+$/, "");
  while (/[)\]]$/.test(trimmed) && !balanced(trimmed)) trimmed = trimmed.slice(0, -1).replace(/[.,;:!?]+$/, "");
  return trimmed;
}

function balanced(text: string): boolean {
  const count = (char: string): number => text.split(char).length;
  return count("(") >= count(")") && count("[") >= count("]");
}
