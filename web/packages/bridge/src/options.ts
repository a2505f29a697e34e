/** What the loader tells the frame before it paints, in the address after "#" (which no server sees). */
export interface EmbedOptions {
  /** Exact origin of the page around the frame. */
  origin: string;
  language: "en" | "zh";
  theme: "auto" | "light" | "dark";
}

export function embedHash({ origin, language, theme }: EmbedOptions): string {
  return `#${new URLSearchParams({ origin, language, theme }).toString()}`;
}

/** The options in an address, or null when the frame was not opened by a loader. */
export function readEmbedHash(hash: string): EmbedOptions | null {
  const given = new URLSearchParams(hash.slice(1));
  const origin = exactOrigin(given.get("origin"));
  if (!origin) return null;
  const theme = given.get("theme");
  return {
    origin,
    language: given.get("language") === "zh" ? "zh" : "en",
    theme: theme === "light" || theme === "dark" ? theme : "auto",
  };
}

/** The text itself if it is an http(s) origin and nothing more; so never "*" and never "null". */
function exactOrigin(text: string | null): string | null {
  if (!text || !/^https?:/.test(text) || !URL.canParse(text)) return null;
  return new URL(text).origin === text ? text : null;
}
