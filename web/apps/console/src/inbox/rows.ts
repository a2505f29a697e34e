import type { Message } from "../desk/types";

export type Row =
  { kind: "day"; key: string; time: string } | { kind: "message"; key: string; message: Message; first: boolean };

/** Longer apart than this, the same author's messages get their name again. */
const TOGETHER_MS = 5 * 60_000;

/** Messages with day lines between them; `first` begins what one author says at a stretch. */
export function rowsOf(messages: readonly Message[]): Row[] {
  const rows: Row[] = [];
  messages.forEach((message, i) => {
    const before = messages[i - 1];
    const newDay = !before || dayOf(before) !== dayOf(message);
    if (newDay) rows.push({ kind: "day", key: `day-${message.id}`, time: message.created_at });
    rows.push({ kind: "message", key: message.id, message, first: newDay || !before || !together(before, message) });
  });
  return rows;
}

const together = (before: Message, message: Message): boolean =>
  before.author === message.author &&
  before.author_id === message.author_id &&
  before.internal === message.internal &&
  Date.parse(message.created_at) - Date.parse(before.created_at) < TOGETHER_MS;

const dayOf = ({ created_at }: Message): string => new Date(created_at).toDateString();
