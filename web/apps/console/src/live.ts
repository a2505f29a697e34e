import { LiveSocket, liveUrl, type LiveState } from "@kefu/client";
import { onScopeDispose, shallowRef } from "vue";
import { session as api } from "./desk/api";
import type { DeskEvent, Person } from "./desk/types";

type Listener = (event: DeskEvent) => void;

const listeners = new Set<Listener>();
const comebacks = new Set<() => void>();
/** Colleagues with a console open now. */
export const online = shallowRef<readonly Person[]>([]);
/** Who has which conversation on screen, this member among them. */
export const looking = shallowRef<Readonly<Record<string, readonly Person[]>>>({});
export const liveState = shallowRef<LiveState>("idle");

let socket: LiveSocket<DeskEvent> | null = null;

/** Starts hearing the workspace; harmless when it does already. */
export function startLive(): void {
  if (socket) return;
  let greeted = false;
  socket = new LiveSocket<DeskEvent>({
    url: liveUrl(location.origin),
    ticket: async () => (await api.ticket()).ticket,
    kinds: ["presence", "looking", "changed", "call.updated"],
    onEvent: hear,
    onState: (state) => {
      liveState.value = state;
    },
    onReady: (frame) => {
      if (frame.online) online.value = frame.online;
      looking.value = (frame as { looking?: Record<string, Person[]> }).looking ?? {};
      if (shown) tellLooking(shown);
      if (greeted) for (const comeback of [...comebacks]) comeback(); // what happened meanwhile was missed
      greeted = true;
    },
    onBadToken: async () => {
      await api.read(); // a session that has ended says so to everybody
    },
  });
  socket.start();
}

export function stopLive(): void {
  socket?.stop();
  socket = null;
  online.value = [];
  looking.value = {};
}

let shown = "";
/** Tells colleagues which conversation is on screen here; none for "". */
export function tellLooking(conversation: string): void {
  shown = conversation;
  socket?.send({ type: "looking", conversation });
}

export function tellTyping(conversation: string): void {
  socket?.send({ type: "typing", conversation });
}

/** Hears live events as long as the component, or whatever scope calls this, lives. */
export function onLive(listener: Listener): void {
  listeners.add(listener);
  onScopeDispose(() => listeners.delete(listener));
}

/** Runs after the socket came back from a cut: read again what may have changed. */
export function onComeback(comeback: () => void): void {
  comebacks.add(comeback);
  onScopeDispose(() => comebacks.delete(comeback));
}

/**
 * Runs when rows of these kinds changed ("source" hears "source.updated", "message" what is said), at most once in
 * `QUIET_MS`, and after a cut.
 */
export function onChanged(kinds: readonly string[], read: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      read();
    }, QUIET_MS);
  };
  onLive((event) => {
    const happened = event.type === "changed" ? event.kind : event.type;
    if (kinds.some((kind) => happened.startsWith(kind))) later();
  });
  onComeback(later);
  onScopeDispose(() => {
    clearTimeout(timer);
  });
}

/** An import announces each page it has read; reading the list a few times a second is enough. */
const QUIET_MS = 400;

function hear(event: DeskEvent): void {
  if (event.type === "presence") online.value = event.online;
  else if (event.type === "looking") looking.value = { ...looking.value, [event.conversation]: event.people };
  for (const listener of [...listeners]) listener(event);
}
