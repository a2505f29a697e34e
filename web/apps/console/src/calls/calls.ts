import type { Call, CallLine } from "@kefu/call";
import { computed, shallowRef } from "vue";
import { nudge } from "../attention";
import { session as api } from "../desk/api";
import { request } from "../desk/request";
import { onComeback, onLive } from "../live";
import { may, me } from "../session";
import { t } from "../texts";
import { complain } from "../toasts";

/** A telephone rings every few seconds until somebody answers. */
const RING_EVERY_MS = 4_000;

const underWay = shallowRef<readonly Call[]>([]);
/** The call that this member is in, from the click on. */
export const line = shallowRef<CallLine | null>(null);
/** Calls that anybody may answer now. */
export const ringing = computed(() => underWay.value.filter(({ state }) => state === "ringing"));

/** Keeps the list of calls fresh and rings, for as long as the scope lives. */
export function useRinging(): void {
  const read = async (): Promise<void> => {
    try {
      underWay.value = (await request<{ calls: Call[] }>("GET", "/calls")).calls;
    } catch {
      // the next change asks again
    }
  };
  onLive((event) => {
    if (event.type !== "call.updated") return;
    const before = underWay.value.find(({ id }) => id === event.call.id);
    const others = underWay.value.filter(({ id }) => id !== event.call.id);
    underWay.value = event.call.state === "ended" ? others : [...others, event.call];
    if (event.call.state === "ringing" && before?.state !== "ringing") ring(event.call.id);
  });
  onComeback(() => void read());
  void read();
}

/** Answers; from within a click, since browsers let nothing sound before one. */
export async function answer(call: Call): Promise<void> {
  if (line.value) return;
  const { CallLine } = await import("@kefu/call");
  const mine = new CallLine({
    origin: location.origin,
    hello: async () => ({ ticket: (await api.ticket()).ticket, call: call.id }),
  });
  line.value = mine;
  await mine.start();
}

/** The call is over: say so where that was not the member's own wish. */
export function over(): void {
  const why = line.value?.ending.value ?? "";
  line.value = null;
  if (why === "microphone") complain(t("calls.over.microphone"));
  else if (why === "conflict") complain(t("calls.over.conflict"));
  else if (why !== "hung_up" && why !== "left") complain(t("calls.over.other"));
}

function ring(id: string): void {
  if (!may("agent") || line.value || !me.value) return;
  nudge();
  setTimeout(() => {
    if (ringing.value.some((call) => call.id === id)) ring(id);
  }, RING_EVERY_MS);
}
