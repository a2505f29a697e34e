import { computed, inject, provide, watch, type ComputedRef, type InjectionKey } from "vue";
import { insights, type Choice, type Column, type Metric, type Report, type Row } from "../desk/insights";
import { useLoaded, type Loaded } from "../load";
import { language } from "../texts";
import type { Head } from "./DataTable.vue";

interface Context {
  choice: ComputedRef<Choice>;
  metrics: ComputedRef<ReadonlyMap<string, Metric>>;
}
const KEY: InjectionKey<Context> = Symbol("reports");

/** What the page chose, for every tab in it. */
export const provideReports = (context: Context): void => {
  provide(KEY, context);
};

export function useReports(): Context {
  const context = inject(KEY);
  if (!context) throw new Error("A report stands outside the page of reports.");
  return context;
}

/** A report of the chosen period, read again when the choice changes. */
export function useReport<R = Row, M = Record<string, unknown>>(
  name: string,
  own: () => Record<string, string> = () => ({}),
): Loaded<Report<R, M>> {
  const { choice } = useReports();
  const loaded = useLoaded(() => insights.report<R, M>(name, choice.value, own()));
  watch([choice, own], ([after, mine], [before, was]) => {
    if (JSON.stringify([after, mine]) !== JSON.stringify([before, was])) void loaded.read();
  });
  return loaded;
}

/** A report's columns in the present language. */
export const heads = (columns: readonly Column[]): Head[] =>
  columns.map(({ key, unit, title, definition }) => ({
    key,
    unit,
    title: title[language.value],
    definition: definition[language.value],
  }));

/** A metric's title, or its name where the server has a metric that this page has not read yet. */
export function useMetricTitle(): (name: string) => string {
  const { metrics } = useReports();
  const titles = computed(
    () => new Map([...metrics.value.values()].map(({ name, title }) => [name, title[language.value]])),
  );
  return (name) => titles.value.get(name) ?? name;
}

/** Gives a file that was read to the browser under a name. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
