import { Bell, BellOff, BellRing, LogOut, Monitor, Moon, Sun, UserRound } from "@lucide/vue";
import type { Router } from "vue-router";
import { askPermission, attention, toggleMuted } from "../attention";
import { session as api } from "../desk/api";
import type { Theme } from "../desk/types";
import { stopLive } from "../live";
import type { MenuItem } from "../parts/Menu.vue";
import { enter, logOut } from "../session";
import { t } from "../texts";
import { theme } from "../theme";
import { complain } from "../toasts";
import { availabilityItems } from "./availability";

const NEXT: Record<Theme, Theme> = { "": "light", light: "dark", dark: "" };

/** What a member does for themself, in the rail's menu and on a phone. */
export function userItems(router: Router): MenuItem[] {
  const muted = attention.muted.value;
  return [
    ...availabilityItems(),
    { label: t("menu.account"), icon: UserRound, run: () => void router.push({ name: "account" }) },
    themeItem(),
    { label: muted ? t("menu.unmute") : t("menu.mute"), icon: muted ? BellOff : Bell, run: toggleMuted },
    ...(attention.permission.value === "default"
      ? [{ label: t("menu.notify"), icon: BellRing, run: () => void askPermission() }]
      : []),
    { label: t("menu.logout"), icon: LogOut, apart: true, run: () => void leave(router) },
  ];
}

function themeItem(): MenuItem {
  const next = NEXT[theme.value];
  const [label, icon] =
    next === "light"
      ? ([t("menu.theme.light"), Sun] as const)
      : next === "dark"
        ? ([t("menu.theme.dark"), Moon] as const)
        : ([t("menu.theme.system"), Monitor] as const);
  return { label, icon, run: () => void api.prefer({ theme: next }).then(enter).catch(complain) };
}

async function leave(router: Router): Promise<void> {
  try {
    await logOut();
  } catch (error) {
    complain(error);
    return;
  }
  stopLive();
  await router.push({ name: "login" });
}
