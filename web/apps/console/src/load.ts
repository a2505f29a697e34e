import { shallowRef, type ShallowRef } from "vue";
import { explain } from "./problems";

export interface Loaded<T> {
  data: ShallowRef<T | null>;
  /** Why there is nothing to show; null while there is, or may be. */
  problem: ShallowRef<string | null>;
  /** Reads again; of several at once, the latest counts. */
  read: () => Promise<void>;
}

/** Something read from the server for a page: read now, and again when asked. What is shown stays until then. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const data = shallowRef<T | null>(null);
  const problem = shallowRef<string | null>(null);
  let latest = 0;
  const read = async (): Promise<void> => {
    const mine = ++latest;
    try {
      const fresh = await load();
      if (mine !== latest) return;
      data.value = fresh;
      problem.value = null;
    } catch (error) {
      if (mine === latest) problem.value = explain(error);
    }
  };
  void read();
  return { data, problem, read };
}
