import { computed, ref, watch } from "vue";
import { flows, type FlowTraffic, type StepTraffic } from "../desk/flows";
import { useLoaded } from "../load";
import { t } from "../texts";

export const PERIODS = ["7", "30", "90"] as const;
export type Days = (typeof PERIODS)[number];

/** The same period on the list of flows and in their pictures. */
export const days = ref<Days>("30");

/** How often flows were started, finished and left within the period, by their keys. */
export function useTraffic() {
  const { data, read } = useLoaded(() => flows.traffic(firstDay(Number(days.value))));
  watch(days, () => void read());
  return computed(() => new Map((data.value?.flows ?? []).map((each) => [each.key, each])));
}

/** One line of figures, those that are nothing left out. */
export function figures(found: FlowTraffic): string {
  const counts = ["finished", "cancelled", "dropped", "handed_over", "under_way"] as const;
  return [
    t("traffic.started", { count: found.started }),
    ...counts.filter((each) => found[each]).map((each) => t(`traffic.${each}`, { count: found[each] })),
  ].join(" · ");
}

/** The same for a step: how many came, and how many were lost there. */
export function stepFigures(found: StepTraffic): string {
  const counts = ["cancelled", "dropped", "handed_over"] as const;
  return [
    t("traffic.reached", { count: found.reached }),
    ...counts.filter((each) => found[each]).map((each) => t(`traffic.${each}`, { count: found[each] })),
  ].join(" · ");
}

function firstDay(number: number): string {
  const day = new Date();
  day.setDate(day.getDate() - number + 1);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}
