import type { Message, Outgoing } from "@kefu/client";

/** One line of the log, from top to bottom. `key` is stable: the same thing keeps its element on screen. */
export type Row =
  | { kind: "day"; key: string; at: string }
  | { kind: "message"; key: string; message: Message; opens: boolean; closes: boolean }
  | { kind: "outgoing"; key: string; entry: Outgoing }
  | { kind: "draft"; key: string; text: string; opens: boolean };

interface Sources {
  messages: readonly Message[];
  outgoing: readonly Outgoing[];
  drafts: ReadonlyMap<string, string>;
  /** Message id to the outbox key under which it was on screen before. */
  sentAs: ReadonlyMap<string, string>;
}

/** Messages of one author within this time stand together under one name. */
const TOGETHER_MS = 5 * 60_000;

/** Lays stored messages, unsent ones and streaming answers in one order. */
export function layRows({ messages, outgoing, drafts, sentAs }: Sources): Row[] {
  const rows: Row[] = [];
  const turns = new Set<string>();
  const tried = outgoing.filter(({ anchor, state }) => anchor !== null && state !== "failed");
  let next = 0;
  messages.forEach((message, i) => {
    // A message in flight follows what was there when it was first tried, so its answer never stands above it.
    while (next < tried.length && ((tried[next] as Outgoing).anchor as number) < message.sequence) {
      rows.push(outgoingRow(tried[next++] as Outgoing));
    }
    const before = messages[i - 1];
    const newDay = before ? day(before) !== day(message) : day(message) !== new Date().toDateString();
    if (newDay) rows.push({ kind: "day", key: `day:${day(message)}`, at: message.created_at });
    rows.push({
      kind: "message",
      key: keyOf(message, sentAs, turns),
      message,
      opens: !before || !together(before, message),
      closes: !messages[i + 1] || !together(message, messages[i + 1] as Message),
    });
  });
  rows.push(...tried.slice(next).map(outgoingRow));
  rows.push(...outgoing.filter((entry) => !tried.includes(entry)).map(outgoingRow));
  for (const [turn, text] of drafts) rows.push({ kind: "draft", key: `turn:${turn}`, text, opens: true });
  return rows;
}

const outgoingRow = (entry: Outgoing): Row => ({ kind: "outgoing", key: `out:${entry.key}`, entry });

/** An answer takes over the element of the draft it was streamed in; a sent message that of its outbox entry. */
function keyOf({ id, author, turn }: Message, sentAs: ReadonlyMap<string, string>, turns: Set<string>): string {
  const sent = sentAs.get(id);
  if (sent) return `out:${sent}`;
  if (author !== "assistant" || turn === null || turns.has(turn)) return id;
  turns.add(turn);
  return `turn:${turn}`;
}

function together(a: Message, b: Message): boolean {
  const near = Date.parse(b.created_at) - Date.parse(a.created_at) < TOGETHER_MS;
  return near && a.author === b.author && a.author_name === b.author_name && day(a) === day(b);
}

const day = ({ created_at }: Message): string => new Date(created_at).toDateString();
