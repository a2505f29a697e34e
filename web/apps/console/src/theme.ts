import { ref, watchEffect } from "vue";
import type { Theme } from "./desk/types";

const KEPT = "kefu.theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = ref(dark.matches);
dark.addEventListener("change", ({ matches }) => {
  systemIsDark.value = matches;
});

/** What the member chose; "" follows the system. Kept in the browser too, so that the log-in page has it. */
export const theme = ref<Theme>(kept());

export function chooseTheme(value: Theme): void {
  theme.value = value;
  localStorage.setItem(KEPT, value);
}

export function followTheme(): void {
  watchEffect(() => {
    const scheme = theme.value || (systemIsDark.value ? "dark" : "light");
    document.documentElement.dataset["scheme"] = scheme;
  });
}

function kept(): Theme {
  const value = localStorage.getItem(KEPT);
  return value === "dark" || value === "light" ? value : "";
}
