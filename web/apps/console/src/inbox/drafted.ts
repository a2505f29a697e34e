import { shallowRef } from "vue";
import { writing } from "../desk/sorting";

/** The conversations in which this member has begun to write. */
export const drafted = shallowRef<ReadonlySet<string>>(new Set());

export async function readDrafts(): Promise<void> {
  try {
    const { drafts } = await writing.drafts();
    drafted.value = new Set(drafts.map(({ conversation }) => conversation));
  } catch {
    // a list without these marks is a list
  }
}

export function noteDraft(conversation: string, there: boolean): void {
  if (drafted.value.has(conversation) === there) return;
  const others = [...drafted.value].filter((each) => each !== conversation);
  drafted.value = new Set(there ? [...others, conversation] : others);
}
