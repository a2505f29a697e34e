import { models } from "../desk/models";

export interface LiveIntents {
  model: { id: string; name: string } | null;
  labels: string[];
}

/** The model that tells this workspace's intents, and the labels that it knows. */
export async function readLiveIntents(): Promise<LiveIntents> {
  const { models: all } = await models.list();
  const found = all.find(({ role, champion }) => role === "intent" && champion);
  if (!found) return { model: null, labels: [] };
  const { all_versions } = await models.read(found.id);
  const labels = all_versions.find(({ id }) => id === found.champion?.id)?.labels ?? [];
  return { model: { id: found.id, name: found.name }, labels };
}

export const liveIntents = async (): Promise<string[]> => (await readLiveIntents()).labels;
