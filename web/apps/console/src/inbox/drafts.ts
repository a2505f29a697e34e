import { onScopeDispose } from "vue";
import { writing } from "../desk/sorting";
import { noteDraft } from "./drafted";
import { keptEntries } from "./outbox";

/** How long a member rests before the server is told what they have written: it is kept for other browsers. */
const PAUSE_MS = 800;
const key = (conversation: string): string => `kefu.draft.${conversation}`;

export interface Kept {
  text: string;
  internal: boolean;
}

/** A draft of this tab; `stored`: the server had it too, so that one which it has no more was sent from elsewhere. */
interface Here extends Kept {
  stored: boolean;
}

const NOTHING: Here = { text: "", internal: false, stored: false };

/** What this tab has of a draft: it is there before the server is, and without it. */
export function draftOf(conversation: string): Here {
  const stored = sessionStorage.getItem(key(conversation));
  if (!stored) return NOTHING;
  try {
    const { text, internal, stored: there } = JSON.parse(stored) as Here;
    return { text: String(text), internal: Boolean(internal), stored: Boolean(there) };
  } catch {
    return NOTHING;
  }
}

function keepHere(conversation: string, draft: Here): void {
  noteDraft(conversation, draft.text !== "");
  if (draft.text) sessionStorage.setItem(key(conversation), JSON.stringify(draft));
  else sessionStorage.removeItem(key(conversation));
}

const same = (a: Kept, b: Kept): boolean => a.text === b.text && a.internal === b.internal;

/**
 * Keeps what a member writes in a conversation: in this tab at once, on the server when they rest.
 *
 * Saves go one after the other, so that an older text never overwrites a newer one, nor brings back what was sent.
 * `look` asks what became of the draft in the member's other tabs; `onOther` hears of what was changed or sent there.
 */
export function useDraft(conversation: string, onOther: (draft: Kept) => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let saved: Promise<unknown> = Promise.resolve();
  let saving = 0;
  let latest = draftOf(conversation);

  const isOurs = (): boolean => timer !== undefined || saving > 0 || (latest.text !== "" && !latest.stored);
  const save = (): void => {
    timer = undefined;
    const draft = latest;
    saving++;
    saved = saved
      .then(() => writing.keepDraft(conversation, { text: draft.text, internal: draft.internal }))
      .then(() => {
        if (latest !== draft) return;
        latest = { ...draft, stored: true };
        keepHere(conversation, latest);
      })
      .catch(() => undefined) // this tab has it still
      .finally(() => saving--);
  };
  const rest = (): void => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE_MS);
  };
  const keep = (draft: Kept): void => {
    if (same(draft, latest)) return;
    const nothing = !draft.text && !latest.text;
    latest = { ...draft, stored: false };
    if (nothing) return;
    keepHere(conversation, latest);
    rest();
  };
  /** It was sent, and the server forgets it with the message; a save that is on its way may come after that. */
  const sent = (): void => {
    clearTimeout(timer);
    timer = undefined;
    latest = { ...NOTHING };
    keepHere(conversation, latest);
    if (saving) save();
  };
  const look = async (): Promise<void> => {
    // What is on its way was a draft, and is one on the server until it arrives.
    if (isOurs() || keptEntries(conversation).length) return;
    const asked = latest;
    try {
      const [there] = (await writing.draft(conversation)).drafts;
      const other = there ? { text: there.text, internal: there.internal } : NOTHING;
      // Whoever has typed, or sent, since then knows better.
      if (latest !== asked || (!other.text && !asked.text) || (asked.stored && same(other, asked))) return;
      latest = { ...other, stored: true };
      keepHere(conversation, latest);
      onOther(other);
    } catch {
      // this tab has what it has
    }
  };

  if (isOurs()) rest();
  else void look();
  onScopeDispose(() => {
    if (timer === undefined) return;
    clearTimeout(timer);
    save();
  });
  return { keep, sent, look };
}
