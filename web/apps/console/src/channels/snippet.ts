/** The script that a company puts on its pages. */
export const snippet = (origin: string, channel: string): string =>
  `<script src="${origin}/loader.js" data-channel="${channel}" async></script>`;

/** A site as an origin: "example.com/shop" is "https://example.com"; "" for what cannot be one. */
export function originOf(text: string): string {
  const trimmed = text.trim().replace(/\/+$/, "");
  if (!trimmed) return "";
  const whole = /^https?:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`;
  const wildcard = /^(https?:\/\/)\*\.(.+)$/i.exec(whole);
  const plain = wildcard ? `${wildcard[1] ?? ""}${wildcard[2] ?? ""}` : whole;
  if (!URL.canParse(plain)) return "";
  const { protocol, host, hostname } = new URL(plain);
  // A word of a sentence is no site, though a machine at hand may be called like one: then it is given with "http://".
  if (whole !== trimmed && hostname !== "localhost" && !/[.:]/.test(hostname)) return "";
  return `${protocol}//${wildcard ? "*." : ""}${host}`;
}
