import { readEmbedHash } from "@kefu/bridge";
import { languageOf, type Language } from "@kefu/ui";

/** Where this page stands: as a page of its own, or in a frame on a company's page. */
export interface Place {
  mode: "page" | "frame";
  channel: string;
  /** Null when neither the page nor the browser asks for one that we speak. */
  language: Language | null;
  theme: "auto" | "light" | "dark";
  /** Exact origin of the page around the frame. */
  host: string | null;
}

/**
 * Reads the address: /chat/{channel}?lang=zh&theme=dark or /widget/{channel}#…; null when it names no channel.
 *
 * A frame that no loader opened has nobody to talk to, and is a page.
 */
export function readPlace(address: URL, languages: readonly string[]): Place | null {
  const [, mode, channel] = /^\/(chat|widget)\/([^/]+)\/?$/.exec(address.pathname) ?? [];
  if (!channel) return null;
  const embed = mode === "widget" ? readEmbedHash(address.hash) : null;
  const theme = address.searchParams.get("theme");
  return {
    mode: embed ? "frame" : "page",
    channel: decodeURIComponent(channel),
    language: embed ? embed.language : chooseLanguage([address.searchParams.get("lang"), ...languages]),
    theme: embed?.theme ?? (theme === "light" || theme === "dark" ? theme : "auto"),
    host: embed?.origin ?? null,
  };
}

function chooseLanguage(tags: readonly (string | null)[]): Language | null {
  for (const tag of tags) {
    const language = languageOf(tag);
    if (language) return language;
  }
  return null;
}
