import { computed, type WritableComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";

/** Which tab of a page is open, kept in its address: a link and a reload lead back to it. The first needs no mention. */
export function useTab<Tab extends string>(tabs: readonly [Tab, ...Tab[]]): WritableComputedRef<Tab> {
  const route = useRoute();
  const router = useRouter();
  return computed({
    get: () => tabs.find((each) => each === route.query["tab"]) ?? tabs[0],
    set: (value) => void router.replace({ query: value === tabs[0] ? {} : { tab: value } }),
  });
}
