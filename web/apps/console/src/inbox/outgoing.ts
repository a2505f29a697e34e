import { inbox } from "../desk/api";
import { onComeback } from "../live";
import { t } from "../texts";
import { say } from "../toasts";
import { keepEntries, keptEntries, withEntries } from "./outbox";
import { Sending } from "./sending";

const ignore = (): void => undefined;
const sendings = new Map<string, Sending>();
const shown = new Set<string>();

/** What is being sent in a conversation, whether or not it is on screen; picked up where an earlier page left it. */
export function sendingOf(conversation: string): Sending {
  shown.add(conversation);
  return resumed(conversation);
}

/** The conversation is on screen no more; what is on its way goes on. */
export function letGo(conversation: string): void {
  shown.delete(conversation);
  const sending = sendings.get(conversation);
  if (!sending) return;
  sending.onStored = ignore;
  if (!sending.entries.value.length) sendings.delete(conversation);
}

/** Sends what earlier pages of this tab left, and hurries when the connection is back. */
export function useOutgoing(): void {
  for (const conversation of withEntries()) resumed(conversation);
  onComeback(() => {
    for (const sending of sendings.values()) sending.hurry();
  });
}

function resumed(conversation: string): Sending {
  const known = sendings.get(conversation);
  if (known) return known;
  const made = new Sending(
    async ({ text, attachments, internal, mentions, key }) => {
      const body = { text, attachments: attachments.map((file) => file.id) };
      return internal
        ? inbox.note(conversation, { ...body, mentions: [...(mentions ?? [])] }, key)
        : inbox.reply(conversation, body, key);
    },
    ignore,
    keptEntries(conversation),
    (entries) => {
      keepEntries(conversation, entries);
      // Nobody looks: a message that will not go would be forgotten.
      if (!shown.has(conversation) && entries.some(({ state }) => state === "failed"))
        say(t("sending.failed.elsewhere"), "problem");
    },
  );
  sendings.set(conversation, made);
  return made;
}
