import { Circle, CircleDashed, CircleMinus } from "@lucide/vue";
import { computed, shallowRef } from "vue";
import { AVAILABILITIES, routing, type Availability, type Staff } from "../desk/routing";
import { onChanged } from "../live";
import type { MenuItem } from "../parts/Menu.vue";
import { may } from "../session";
import { t } from "../texts";
import { complain } from "../toasts";

const ICONS = { online: Circle, busy: CircleMinus, away: CircleDashed };
const staff = shallowRef<Staff | null>(null);

/** Whether this member is there, as they chose; null for who does not answer customers. */
export const availability = computed(() => staff.value?.chosen ?? null);

async function read(): Promise<void> {
  if (!may("agent")) return;
  try {
    staff.value = await routing.availability();
  } catch {
    // the menu offers it again with the next change or comeback
  }
}

async function choose(chosen: Availability): Promise<void> {
  try {
    staff.value = await routing.chooseAvailability(chosen);
  } catch (error) {
    complain(error);
  }
}

/** Keeps the member's own availability fresh: a supervisor may change it, too. */
export function useAvailability(): void {
  void read();
  onChanged(["member."], () => void read());
}

/** To say that one is online, busy or away; what one is already is not offered. */
export const availabilityItems = (): MenuItem[] =>
  AVAILABILITIES.filter((each) => availability.value !== null && each !== availability.value).map((each) => ({
    label: t(`availability.set.${each}`),
    icon: ICONS[each],
    run: () => void choose(each),
  }));
