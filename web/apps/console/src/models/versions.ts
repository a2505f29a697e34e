import { computed, type ComputedRef } from "vue";
import { datasets, models, type Version } from "../desk/models";
import { useLoaded } from "../load";

export interface Choice {
  value: string;
  label: string;
  /** What a version does, such as telling labels. */
  task?: string;
}

/** Every version of every model, newest first of each, as something to choose. */
export function useVersions(fits: (version: Version) => boolean = () => true): ComputedRef<Choice[]> {
  const { data } = useLoaded(async () => {
    const { models: all } = await models.list();
    return (await Promise.all(all.map(({ id }) => models.read(id)))).flatMap(({ all_versions: own }) => own);
  });
  return computed(() =>
    (data.value ?? [])
      .filter(fits)
      .map(({ id, model, number, task }) => ({ value: id, label: `${model} · ${number}`, task })),
  );
}

/** The newest version of every dataset. */
export function useData(): ComputedRef<Choice[]> {
  const { data } = useLoaded(datasets.list);
  return computed(() =>
    (data.value?.datasets ?? []).map(({ latest, name }) => ({ value: latest.id, label: `${name} · ${latest.number}` })),
  );
}
