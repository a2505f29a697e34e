import { computed, reactive, ref } from "vue";
import type { PolicyChange } from "../desk/api";
import type { Assistant, Policy } from "../desk/types";

type Key = keyof Policy;

/** The policy as a member is changing it: what differs from what is stored, and back. */
export function usePolicyDraft() {
  const stored = ref<Policy | null>(null);
  const draft = reactive<Partial<Policy>>({});

  const take = ({ policy }: Assistant): void => {
    stored.value = structuredClone(policy);
    Object.assign(draft, structuredClone(policy));
  };
  const changes = computed((): PolicyChange => {
    const before = stored.value;
    if (!before) return {};
    const changed = (Object.keys(before) as Key[]).filter((key) => !same(before[key], draft[key]));
    return Object.fromEntries(changed.map((key) => [key, draft[key]]));
  });
  const dirty = computed(() => Object.keys(changes.value).length > 0);
  const discard = (): void => {
    if (stored.value) Object.assign(draft, structuredClone(JSON.parse(JSON.stringify(stored.value)) as Policy));
  };
  return { draft, stored, take, changes, dirty, discard };
}

/** The sentence of the company's own replaced by another; an empty one gives the built-in one again. */
export function withText(texts: Policy["texts"], language: string, key: string, text: string): Policy["texts"] {
  const own = Object.fromEntries(Object.entries(texts[language] ?? {}).filter(([each]) => each !== key));
  return { ...texts, [language]: text.trim() ? { ...own, [key]: text } : own };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
