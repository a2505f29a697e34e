/** The desk API of sound; loaded by who first listens. */
import { streamedSound } from "@kefu/ui";
import type { Upload } from "@kefu/client";
import { fetched } from "./request";
import type { Message } from "./types";
import { sent } from "./upload";

/** `start` and `end` in seconds; `text` is empty where nobody speaks. */
export interface Heard {
  text: string;
  language: string;
  segments: { start: number; end: number; text: string }[];
}

/** How many answers' sounds this page keeps in memory. */
const KEPT = 30;
const made = new Map<string, Promise<string>>();

/** Where this browser plays an answer from; who asks first hears it while it is still spoken. */
export function answerSound({ conversation, id }: Pick<Message, "conversation" | "id">): Promise<string> {
  const known = made.get(id);
  if (known) return known;
  const path = `/inbox/conversations/${encodeURIComponent(conversation)}/messages/${encodeURIComponent(id)}/audio`;
  const sound = fetched("GET", path).then(streamedSound);
  const whole = sound.then((streamed) => streamed.whole);
  made.set(id, whole);
  whole.catch(() => made.delete(id));
  const [oldest] = made;
  if (oldest && made.size > KEPT) {
    made.delete(oldest[0]);
    void oldest[1].then(URL.revokeObjectURL, () => undefined);
  }
  return sound.then(({ address }) => address);
}

/** A sentence in the voice that customers hear, as this browser plays it; "" is the language that it is in. */
export async function sentenceSound(text: string, language: "" | "en" | "zh"): Promise<string> {
  const response = await fetched("POST", "/assistant/speech", { text, language });
  return (await streamedSound(response)).address;
}

/** What is said in a recording. */
export const writtenDown = (file: File, onProgress: (share: number) => void): Upload<Heard> =>
  sent("/assistant/transcript", file, onProgress);
