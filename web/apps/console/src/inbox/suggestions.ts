import { computed, ref, shallowRef, type Ref } from "vue";
import { writing, type CannedReply } from "../desk/sorting";
import type { Member } from "../desk/types";
import { onChanged } from "../live";
import { me } from "../session";

/** Something to put where "/" or "@" was typed: a canned reply, or a member who is told of a note. */
export interface Suggestion {
  kind: "canned" | "mention";
  id: string;
  title: string;
  about: string;
}

export interface Place {
  kind: Suggestion["kind"];
  word: string;
  from: number;
  to: number;
}

const MOST = 8;
const CANNED = /(?:^|\s)\/(\S*)$/;
const MENTION = /(?:^|\s)@([^\s@]*)$/;
const UNFILLED = /\{\{\s*(?:contact|member|workspace|channel|conversation)\.\w+\s*\}\}/g;

/** What is being typed at the caret, if it is a shortcut or a name. */
export function placeAt(text: string, caret: number, asNote: boolean): Place | null {
  const before = text.slice(0, caret);
  const kinds = [["canned", CANNED] as const, ...(asNote ? [["mention", MENTION] as const] : [])];
  for (const [kind, pattern] of kinds) {
    const word = pattern.exec(before)?.[1];
    if (word !== undefined) return { kind, word, from: caret - word.length - 1, to: caret };
  }
  return null;
}

/** Canned replies for a word: those whose shortcut begins with it, then those that hold it; the customer's language first. */
export function cannedFor(word: string, replies: readonly CannedReply[], language: string): CannedReply[] {
  const wanted = word.toLocaleLowerCase();
  const rank = ({ shortcut, text, language: its }: CannedReply): number => {
    const name = shortcut.toLocaleLowerCase();
    const found = name.startsWith(wanted)
      ? 0
      : name.includes(wanted)
        ? 2
        : text.toLocaleLowerCase().includes(wanted)
          ? 4
          : 9;
    return found + (its && language && its !== language ? 1 : 0);
  };
  return replies
    .map((reply) => ({ reply, place: rank(reply) }))
    .filter(({ place }) => place < 9)
    .sort((a, b) => a.place - b.place)
    .slice(0, MOST)
    .map(({ reply }) => reply);
}

/** The ids of the members whom a note names: the longest name counts, where one begins with another. */
export function mentionedIn(text: string, members: readonly Member[]): string[] {
  const byLength = [...members]
    .filter(({ name, is_active }) => name && is_active)
    .sort((a, b) => b.name.length - a.name.length);
  let rest = text;
  const found: string[] = [];
  for (const { id, name } of byLength) {
    if (!rest.includes(`@${name}`)) continue;
    rest = rest.replaceAll(`@${name}`, "");
    found.push(id);
  }
  return found;
}

export const unfilledIn = (text: string): string[] => text.match(UNFILLED) ?? [];

interface Written {
  text: Ref<string>;
  box: Ref<HTMLTextAreaElement | undefined>;
  asNote: () => boolean;
  members: () => readonly Member[];
  language: () => string;
}

/** What is offered while a member types "/" or, in a note, "@". */
export function useSuggestions({ text, box, asNote, members, language }: Written) {
  const replies = shallowRef<readonly CannedReply[] | null>(null);
  const place = shallowRef<Place | null>(null);
  const at = ref(0);
  const items = computed((): Suggestion[] => {
    const now = place.value;
    if (!now) return [];
    return now.kind === "canned" ? canned(now.word) : people(now.word);
  });
  const canned = (word: string): Suggestion[] =>
    cannedFor(word, replies.value ?? [], language()).map((reply) => ({
      kind: "canned",
      id: reply.id,
      title: `/${reply.shortcut}`,
      about: reply.text,
    }));
  const people = (word: string): Suggestion[] =>
    members()
      .filter(({ id, name, is_active }) => is_active && name && id !== me.value?.id)
      .filter(({ name }) => name.toLocaleLowerCase().includes(word.toLocaleLowerCase()))
      .slice(0, MOST)
      .map(({ id, name, email }) => ({ kind: "mention", id, title: name, about: email }));
  const read = async (): Promise<void> => {
    try {
      replies.value = (await writing.canned()).canned;
    } catch {
      // nothing is offered; the next "/" asks again
    }
  };
  const look = (): void => {
    at.value = 0;
    place.value = placeAt(text.value, box.value?.selectionStart ?? text.value.length, asNote());
    if (place.value?.kind === "canned" && replies.value === null) void read();
  };
  const close = (): void => {
    place.value = null;
  };
  /** What a key does to the list: null nothing, undefined something, a suggestion that it is chosen. */
  const press = (key: string): Suggestion | null | undefined => {
    const shown = items.value;
    if (!shown.length) return null;
    if (key === "ArrowDown" || key === "ArrowUp") {
      at.value = (at.value + (key === "ArrowDown" ? 1 : shown.length - 1)) % shown.length;
      return undefined;
    }
    if (key === "Escape") {
      close();
      return undefined;
    }
    return key === "Enter" || key === "Tab" ? (shown[at.value] ?? null) : null;
  };
  onChanged(["canned."], () => {
    if (replies.value !== null) void read();
  });
  return { items, at, place, look, close, press };
}
