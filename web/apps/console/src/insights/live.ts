import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import { insights, type Live } from "../desk/insights";
import { onComeback, onLive } from "../live";
import { explain } from "../problems";

/** Figures that nobody announces (a wait grows, a turn ends) are at most this old. */
const EVERY_MS = 4_000;
/** A burst of events is read once. */
const SOON_MS = 600;

/** The live figures, read again and again while the tab is looked at, and soon after something happened. */
export function useLiveFigures(): {
  live: ShallowRef<Live | null>;
  problem: ShallowRef<string | null>;
  read: () => void;
} {
  const live = shallowRef<Live | null>(null);
  const problem = shallowRef<string | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = 0;
  let isReading = false;
  let isOver = false;
  const isHidden = (): boolean => document.visibilityState === "hidden";

  function after(wait: number): void {
    if (isOver || isHidden()) return;
    const at = Date.now() + wait;
    if (timer !== undefined && due <= at) return; // sooner already
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => void read(), wait);
  }

  async function read(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (isReading) {
      after(SOON_MS);
      return;
    }
    isReading = true;
    try {
      live.value = await insights.live();
      problem.value = null;
    } catch (error) {
      problem.value = explain(error); // the figures on screen stay, with their time
    } finally {
      isReading = false;
      after(EVERY_MS);
    }
  }

  const look = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (!isHidden()) void read();
  };
  document.addEventListener("visibilitychange", look);
  onLive(() => {
    after(SOON_MS);
  });
  onComeback(() => {
    after(0);
  });
  onScopeDispose(() => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  });
  void read();
  return { live, problem, read: () => void read() };
}
