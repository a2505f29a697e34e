import type { Readable } from "@kefu/client";
import { shallowRef, type ShallowRef } from "vue";

/** A value of the client's as Vue sees it, for as long as the page lives. */
export function mirror<T>(source: Readable<T>): Readonly<ShallowRef<T>> {
  const seen = shallowRef(source.value) as ShallowRef<T>;
  source.subscribe(() => (seen.value = source.value));
  return seen;
}
