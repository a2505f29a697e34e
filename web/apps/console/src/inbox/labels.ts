import { shallowRef } from "vue";
import { sorting, type Label } from "../desk/sorting";
import { onChanged } from "../live";

/** The workspace's labels, read once for the console and again when they change. */
export const labels = shallowRef<readonly Label[]>([]);

export async function readLabels(): Promise<void> {
  try {
    labels.value = (await sorting.labels()).labels;
  } catch {
    // what is shown stays; the next change or comeback asks again
  }
}

export function useLabels(): void {
  void readLabels();
  onChanged(["label."], () => void readLabels());
}

/** The labels of these ids that are still offered. */
export const labelsOf = (ids: readonly string[]): Label[] => labels.value.filter(({ id }) => ids.includes(id));
