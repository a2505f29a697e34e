import { ref, shallowRef } from "vue";
import type { Conversation, Counts } from "./desk/types";
import { Beeper } from "@kefu/ui";
import { t } from "./texts";

const MUTED = "kefu.muted";

const waiting = ref(0);
const muted = ref(localStorage.getItem(MUTED) === "1");
const permission = ref<NotificationPermission | "unsupported">(
  "Notification" in window ? Notification.permission : "unsupported",
);
const counts = shallowRef<Counts | null>(null);

/** How members are called when a customer wants a person: badge, sound, the system's notification. */
export const attention = { waiting, muted, permission, counts };

let beeper: Beeper | null = null;

/** Sound is allowed only after the member touched the page, so it is prepared early. */
export function prepareSound(): void {
  beeper ??= new Beeper();
}

export function showCounts(value: Counts): void {
  counts.value = value;
  waiting.value = value.status.waiting;
  // The badge of an installed page; browsers without one simply lack the functions.
  if (value.status.waiting) void navigator.setAppBadge?.(value.status.waiting).catch(() => undefined);
  else void navigator.clearAppBadge?.().catch(() => undefined);
}

export function toggleMuted(): void {
  muted.value = !muted.value;
  localStorage.setItem(MUTED, muted.value ? "1" : "0");
  if (!muted.value) beeper?.beep();
}

export async function askPermission(): Promise<void> {
  if ("Notification" in window) permission.value = await Notification.requestPermission();
}

/** A customer waits for a person. */
export function call(conversation: Conversation, open: (id: string) => void): void {
  if (!muted.value) beeper?.beep();
  if (permission.value !== "granted" || document.visibilityState === "visible") return;
  const shown = new Notification(t("notify.title", { name: conversation.contact.name || t("contact.unnamed") }), {
    body: (conversation.asked || conversation.last_message?.text || "").slice(0, 140),
    tag: conversation.id, // one notification for a conversation, however many browsers events
    icon: `${import.meta.env.BASE_URL}icon.svg`,
  });
  shown.onclick = () => {
    window.focus();
    open(conversation.id);
    shown.close();
  };
}

/** A message in a conversation of the member's own, while they look elsewhere. */
export function nudge(): void {
  if (!muted.value && !document.hasFocus()) beeper?.beep();
}
