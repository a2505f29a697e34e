import { ref } from "vue";
import { workspace } from "./session";

const key = (what: string): string => `kefu.${what}.${workspace.value?.id ?? ""}`;

/** Whether this browser has tried a question; conversations say so for everybody else. */
export const hasAsked = (): boolean => localStorage.getItem(key("asked")) === "1";

export function rememberAsking(): void {
  localStorage.setItem(key("asked"), "1");
}

/** Whether the guide was put away; it comes back from the home page's foot. */
export function useGuide() {
  const hidden = ref(localStorage.getItem(key("guide")) === "hidden");
  const hide = (value: boolean): void => {
    hidden.value = value;
    localStorage.setItem(key("guide"), value ? "hidden" : "shown");
  };
  return { hidden, hide };
}
