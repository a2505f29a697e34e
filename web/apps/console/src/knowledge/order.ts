import type { Source } from "../desk/types";

/** So long after it was added a source stands before the others. */
const NEW_MS = 60 * 60 * 1000;

/** Whether a source, or a part of it, waits for somebody to do something about it. */
export const isTroubled = ({ state, failures, held }: Source): boolean =>
  state === "failed" || state === "held" || failures.length > 0 || held !== null;

/** What needs somebody first, then what is being read, then what is new, newest first; the rest by name. */
export function inOrder(sources: readonly Source[], now: number): Source[] {
  const rank = (source: Source): number => {
    if (isTroubled(source)) return 0;
    if (source.state === "pending" || source.state === "reading") return 1;
    return now - Date.parse(source.created_at) < NEW_MS ? 2 : 3;
  };
  return [...sources].sort((one, other) => {
    const place = rank(one);
    if (place !== rank(other)) return place - rank(other);
    return place === 3 ? 0 : Date.parse(other.created_at) - Date.parse(one.created_at); // they come by name
  });
}
