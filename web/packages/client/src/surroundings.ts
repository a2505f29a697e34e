/** What an app knows of the device it runs on. */
export interface Surroundings {
  /** False where the system knows that there is no network. */
  isOnline: () => boolean;
  /** False while nobody looks: then nothing is asked for by the clock. */
  isActive: () => boolean;
  /** Calls back when either may have changed; returns how to stop. */
  watch: (changed: () => void) => () => void;
}

/** Always online and looked at: where nobody tells (Node; React Native without its own watchers). */
export const unknown: Surroundings = {
  isOnline: () => true,
  isActive: () => true,
  watch: () => () => undefined,
};

/** A browser's page. */
export const page: Surroundings = {
  isOnline: () => navigator.onLine,
  isActive: () => document.visibilityState === "visible",
  watch: (changed) => {
    window.addEventListener("online", changed);
    window.addEventListener("offline", changed);
    document.addEventListener("visibilitychange", changed);
    return () => {
      window.removeEventListener("online", changed);
      window.removeEventListener("offline", changed);
      document.removeEventListener("visibilitychange", changed);
    };
  },
};

/** React Native has a `window`, but no document. */
export const surroundingsHere = (): Surroundings => (typeof document === "undefined" ? unknown : page);
