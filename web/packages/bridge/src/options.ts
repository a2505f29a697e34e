/** What the loader tells the frame before it paints, in the address after "#" (which no server sees). */
export interface EmbedOptions {
  /** Exact origin of the page around the frame. */
  origin: string;
  /** Null when neither the tag nor the page nor the browser asks for one that we speak: the channel decides. */
  language: "en" | "zh" | null;
  theme: "auto" | "light" | "dark";
}

export function embedHash({ origin, language, theme }: EmbedOptions): string {
  return `#${new URLSearchParams({ origin, theme, ...(language ? { language } : {}) }).toString()}`;
}

/** The options in an address, or null when the frame was not opened by a loader. */
export function readEmbedHash(hash: string): EmbedOptions | null {
  const given = new URLSearchParams(hash.slice(1));
  const origin = exactOrigin(given.get("origin"));
  if (!origin) return null;
  const theme = given.get("theme");
  const language = given.get("language");
  return {
    origin,
    language: language === "zh" || language === "en" ? language : null,
    theme: theme === "light" || theme === "dark" ? theme : "auto",
  };
}

/** The text itself if it is an http(s) origin and nothing more; so never "*" and never "null". */
function exactOrigin(text: string | null): string | null {
  if (!text || !/^https?:/.test(text) || !URL.canParse(text)) return null;
  return new URL(text).origin === text ? text : null;
}
