import type { PassageSpan } from "../desk/types";

export interface Piece {
  start: number;
  end: number;
  /** The passage that this piece belongs to; null between passages. */
  passage: PassageSpan | null;
}

/** A document's text cut at its passages' borders, in order. Offsets count code points, as the server counts them. */
export function piecesOf(length: number, passages: readonly PassageSpan[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const passage of [...passages].sort((a, b) => a.start - b.start)) {
    const start = Math.max(at, passage.start); // passages may overlap by a sentence: it is shown once
    const end = Math.min(length, passage.end);
    if (end <= start) continue;
    if (start > at) pieces.push({ start: at, end: start, passage: null });
    pieces.push({ start, end, passage });
    at = end;
  }
  if (at < length) pieces.push({ start: at, end: length, passage: null });
  return pieces;
}
