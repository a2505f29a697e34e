import { shallowRef } from "vue";
import { explain } from "./problems";

export interface Toast {
  id: number;
  tone: "done" | "problem";
  text: string;
}

/** Long enough to read two sentences; a problem stays until it is closed. */
const SHOWN_MS = 5_000;
export const toasts = shallowRef<readonly Toast[]>([]);
let last = 0;

export function say(text: string, tone: Toast["tone"] = "done"): void {
  const toast = { id: ++last, tone, text };
  toasts.value = [...toasts.value.filter((shown) => shown.text !== text), toast].slice(-3);
  if (tone === "done") {
    setTimeout(() => {
      dismiss(toast.id);
    }, SHOWN_MS);
  }
}

export const complain = (error: unknown): void => {
  say(explain(error), "problem");
};

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}
