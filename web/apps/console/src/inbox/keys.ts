import type { Move } from "./moves";

export type KeyAction =
  Move | "next" | "previous" | "search" | "help" | "reply" | "note" | "close" | "snooze" | "label" | "assign" | "tick";

export const KEYS: Readonly<Record<string, KeyAction>> = {
  j: "next",
  k: "previous",
  t: "take",
  r: "reply",
  n: "note",
  b: "give-back",
  e: "resolve",
  o: "reopen",
  s: "snooze",
  l: "label",
  a: "assign",
  x: "tick",
  "/": "search",
  "?": "help",
  Escape: "close",
};

/** What a key means in the inbox; null where somebody writes, a dialog is open, or the browser has its own use for it. */
export function actionOf(event: KeyboardEvent): KeyAction | null {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const target = event.target as HTMLElement | null;
  if (target?.closest("input, textarea, select, [contenteditable], [role=dialog], [role=alertdialog], [role=menu]"))
    return null;
  return KEYS[event.key] ?? null;
}
