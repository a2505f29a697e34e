import { computed, shallowRef } from "vue";
import type { DataRow, RowChange } from "../desk/models";

/** Changes to rows that are not saved yet, by the row's number. */
export function useChanges() {
  const kept = shallowRef<ReadonlyMap<number, RowChange>>(new Map());

  function change(row: DataRow, part: Partial<RowChange>): void {
    const next = new Map(kept.value);
    const made: RowChange = { ...next.get(row.number), ...part, number: row.number };
    if (made.label === row.label) delete made.label;
    if (made.text === row.text) delete made.text;
    if (!made.delete) delete made.delete;
    if (Object.keys(made).length > 1) next.set(row.number, made);
    else next.delete(row.number);
    kept.value = next;
  }

  return {
    change,
    list: computed(() => [...kept.value.values()]),
    of: (row: DataRow): RowChange | undefined => kept.value.get(row.number),
    clear: (): void => {
      kept.value = new Map();
    },
  };
}
