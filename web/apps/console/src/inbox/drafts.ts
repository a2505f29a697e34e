import { onScopeDispose } from "vue";
import { writing } from "../desk/sorting";
import { noteDraft } from "./drafted";

/** How long a member rests before the server is told what they have written: it is kept for other browsers. */
const PAUSE_MS = 800;
const key = (conversation: string): string => `kefu.draft.${conversation}`;

export interface Kept {
  text: string;
  internal: boolean;
}

const NOTHING: Kept = { text: "", internal: false };

/** What this tab has of a draft: it is there before the server is, and without it. */
export function draftOf(conversation: string): Kept {
  const stored = sessionStorage.getItem(key(conversation));
  if (!stored) return NOTHING;
  try {
    const { text, internal } = JSON.parse(stored) as Kept;
    return { text: String(text), internal: Boolean(internal) };
  } catch {
    return NOTHING;
  }
}

function keepHere(conversation: string, draft: Kept): void {
  noteDraft(conversation, draft.text !== "");
  if (draft.text) sessionStorage.setItem(key(conversation), JSON.stringify(draft));
  else sessionStorage.removeItem(key(conversation));
}

/**
 * Keeps what a member writes in a conversation: in this tab at once, on the server when they rest.
 *
 * Saves go one after the other, so that an older text never overwrites a newer one, nor brings back what was sent.
 */
export function useDraft(conversation: string, onOther: (draft: Kept) => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let saved: Promise<unknown> = Promise.resolve();
  let saving = 0;
  let changed = false;
  let latest = draftOf(conversation);

  const save = (): void => {
    timer = undefined;
    const draft = latest;
    saving++;
    saved = saved
      .then(() => writing.keepDraft(conversation, draft))
      .catch(() => undefined) // this tab has it still
      .finally(() => saving--);
  };
  const keep = (draft: Kept): void => {
    if (draft.text === latest.text && draft.internal === latest.internal) return;
    const nothing = !draft.text && !latest.text;
    latest = draft;
    if (nothing) return;
    changed = true;
    keepHere(conversation, draft);
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE_MS);
  };
  /** It was sent, and the server forgets it with the message; a save that is on its way may come after that. */
  const sent = (): void => {
    clearTimeout(timer);
    timer = undefined;
    changed = true;
    latest = NOTHING;
    keepHere(conversation, NOTHING);
    if (saving) save();
  };
  if (!latest.text)
    void writing
      .draft(conversation)
      .then(({ drafts }) => {
        const [other] = drafts;
        if (!other || changed) return;
        latest = { text: other.text, internal: other.internal };
        keepHere(conversation, latest);
        onOther(latest);
      })
      .catch(() => undefined);
  onScopeDispose(() => {
    if (timer === undefined) return;
    clearTimeout(timer);
    save();
  });
  return { keep, sent };
}
