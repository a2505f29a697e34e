/** Frames of `WS /v1/calls`, as `contracts/call.py` has them. */

export type CallState = "talking" | "ringing" | "joined" | "ended";

export interface Call {
  id: string;
  conversation: string;
  state: CallState;
  contact: string;
  member: { id: string; name: string } | null;
  created_at: string;
  answered_at: string | null;
  ended_at: string | null;
  ended_by: "" | "contact" | "member" | "limit" | "lost";
}

export type Told =
  | { type: "ready" | "call.updated" | "ended"; call: Call }
  | { type: "utterance.began" | "utterance.nothing" | "utterance.failed" | "pong" }
  | { type: "utterance.partial" | "utterance.final"; text: string }
  | { type: "reply.sentence"; sentence: number; text: string }
  | { type: "reply.spoken" | "interrupt"; sentence: number }
  | { type: "reply.unheard"; message: string; start: number }
  | { type: "refused"; code: string };

export type Tell = { type: "played"; sentence: number; begun: boolean } | { type: "hand_over" | "hang_up" | "ping" };

export interface SoundFrame {
  /** An answer that was made here, or the person on the other line. */
  origin: "answer" | "person";
  rate: number;
  sentence: number;
  samples: Int16Array<ArrayBuffer>;
}

const HEAD = 4;
const ANSWER = 1;
const PERSON = 2;

/** What a binary frame holds; null for one that a newer server may send. */
export function soundOf(data: ArrayBuffer): SoundFrame | null {
  if (data.byteLength < HEAD) return null;
  const head = new DataView(data);
  const origin = head.getUint8(0);
  if (origin !== ANSWER && origin !== PERSON) return null;
  return {
    origin: origin === ANSWER ? "answer" : "person",
    rate: head.getUint8(1) * 1000,
    sentence: head.getUint16(2, true),
    samples: new Int16Array(data.slice(HEAD, data.byteLength - (data.byteLength % 2))),
  };
}

/** A JSON frame; null for what is none. */
export function toldOf(data: string): Told | null {
  try {
    const frame = JSON.parse(data) as Partial<Told>;
    return typeof frame.type === "string" ? (frame as Told) : null;
  } catch {
    return null;
  }
}
