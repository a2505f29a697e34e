import type { ClockState, Sla } from "../desk/routing";
import { t } from "../texts";

const MINUTE = 60_000;

/** What is left of a promised time, or by how much it is past: "12 min", "3 h", "2 d". */
export function span(ms: number): string {
  const minutes = Math.max(1, Math.round(Math.abs(ms) / MINUTE));
  if (minutes < 60) return t("time.minutes", { count: minutes });
  if (minutes < 48 * 60) return t("time.hours", { count: Math.round(minutes / 60) });
  return t("sla.days", { count: Math.round(minutes / (24 * 60)) });
}

/** How a promise stands, by the clock on screen: the server tells only when it changes. */
export function promised({ clock, state, due_at }: Sla, now: number): { text: string; state: ClockState } {
  const kind = t(`sla.clock.${clock}`);
  if (!due_at || state === "paused") return { text: t("sla.paused", { kind }), state: "paused" };
  const left = Date.parse(due_at) - now;
  if (left <= 0) return { text: t("sla.late", { kind, time: span(left) }), state: "breached" };
  return { text: t("sla.left", { kind, time: span(left) }), state: state === "breached" ? "warned" : state };
}
