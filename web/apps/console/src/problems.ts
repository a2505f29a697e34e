import { ApiError, NetworkError } from "@kefu/client";
import { language, reasonInWords, t } from "./texts";

/** What to tell a member about an error: our own words where the code is known, else the server's. */
export function explain(error: unknown): string {
  if (error instanceof NetworkError) return t("error.network");
  if (!(error instanceof ApiError)) return t("error.unknown");
  switch (error.code) {
    case "not_allowed":
      return t("error.not_allowed");
    case "not_found":
      return t("error.not_found");
    case "too_large":
      return t("error.too_large");
    case "busy":
      return t("error.busy");
    case "internal_error":
      return t("error.server");
    default:
      return reasonInWords(error.message);
  }
}

/** The form field that the server refused, with its words; null when it named none. */
export function fieldProblem(error: unknown): { field: string; message: string } | null {
  if (!(error instanceof ApiError) || error.status !== 422) return null;
  const field = error.fields["field"];
  if (typeof field !== "string") return null;
  const said = error.message.startsWith(`${field}: `) ? error.message.slice(field.length + 2) : error.message;
  const words = shapeInWords(said, IN_MINUTES.test(field)) ?? reasonInWords(said);
  return { field, message: language.value === "zh" && words === said ? t("error.field", { said }) : words };
}

/** What the server's checks of shape say, in our words; null for what is none of these. */
function shapeInWords(said: string, inMinutes: boolean): string | null {
  for (const [pattern, key] of SHAPES) {
    const found = pattern.exec(said);
    if (found) return t(key, { number: bound(found[1], inMinutes), most: bound(found[2], inMinutes) });
  }
  return null;
}

/** A bound as the field shows its numbers. */
function bound(said = "", inMinutes: boolean): string {
  const seconds = Number(said.replaceAll(",", ""));
  return inMinutes && said && Number.isFinite(seconds) ? String(Math.floor(seconds / 60)) : said;
}

/** Fields that people fill in minutes and the server keeps in seconds (minutes.ts). */
const IN_MINUTES = /(?:^|\.)(?:nobody_came|away_after|escalate|delay)_seconds$/;

/** Pydantic's sentences, which name types of programs, and our own that name a field by the program's name. */
const SHAPES = [
  [/^Input should be less than or equal to (\S+)$/, "shape.most"],
  [/^Input should be greater than or equal to (\S+)$/, "shape.least"],
  [/^\w+ (?:is a (?:whole )?number from|lies between) ([\d,]+) (?:to|and) ([\d,]+), not .+$/, "shape.between"],
  [/^String should have at most (\d+) characters?$/, "shape.long"],
  [/^(?:Field required|String should have at least 1 character)$/, "shape.needed"],
  [/^Input should be a valid (?:integer|number)\b/, "shape.number"],
] as const;

/** Who has the conversation, when the server refused because somebody has. */
export function ownerOf(error: unknown): string | null {
  if (!(error instanceof ApiError) || error.status !== 409) return null;
  const owner = error.fields["owner"] as { name?: string } | null | undefined;
  return owner?.name ?? null;
}
