import { readonly, ref } from "vue";

/** Texts such as "5 min" are a minute coarse; half of one keeps them honest. */
const TICK_MS = 30_000;
const time = ref(Date.now());
setInterval(() => {
  time.value = Date.now();
}, TICK_MS);

/** The time now, coarse, for texts that grow old on screen. */
export const now = readonly(time);
