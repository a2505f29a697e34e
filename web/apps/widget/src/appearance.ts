import type { Channel } from "@kefu/client";
import { brandColors, parseColor } from "@kefu/ui";
import { ref, watchEffect, type ShallowRef } from "vue";

/** Follows the system between dark and light (or stays as the company wishes), in the company's colour. */
export function followTheme(theme: "auto" | "light" | "dark", channel: ShallowRef<Channel | null>): void {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const systemDark = ref(query.matches);
  query.addEventListener("change", ({ matches }) => {
    systemDark.value = matches;
  });
  watchEffect(() => {
    const scheme = theme === "auto" ? (systemDark.value ? "dark" : "light") : theme;
    const root = document.documentElement;
    root.dataset["scheme"] = scheme;
    const brand = parseColor(channel.value?.settings.color);
    if (!brand) return;
    const { fill, onFill, ink } = brandColors(brand, scheme);
    root.style.setProperty("--brand", fill);
    root.style.setProperty("--on-brand", onFill);
    root.style.setProperty("--brand-ink", ink);
  });
}
