/** Everything a company can say in the script tag. */
export interface LoaderOptions {
  /** Where the script came from; the frame comes from there too. */
  base: string;
  channel: string;
  /** data-language: en or zh; else the page's `<html lang>`, else the browser's; null when none of them is either. */
  language: "en" | "zh" | null;
  /** data-theme: auto (as the customer's system), light or dark. */
  theme: "auto" | "light" | "dark";
  /** data-color: the bubble's colour before the channel's own is known. */
  color: string | null;
  /** data-position: right or left. */
  position: "right" | "left";
  /** data-launcher="none": no bubble; the page opens the chat itself with Kefu.open(). */
  launcher: boolean;
  /** data-open: open at once (never on a phone, where it would hide the page). */
  open: boolean;
  /** data-label: words beside the bubble's icon. */
  label: string;
  /** data-offset-x, data-offset-y: pixels from the corner. */
  offset: { x: number; y: number };
  /** data-z-index. */
  zIndex: number;
  nonce: string;
}

/** Above what pages commonly use, below the largest number there is, so that a page can still cover it. */
const Z_INDEX = 2147483000;

export function findScript(): HTMLScriptElement | null {
  const running = document.currentScript;
  if (running instanceof HTMLScriptElement) return running;
  return document.querySelector<HTMLScriptElement>('script[data-channel][src*="loader.js"]'); // run as a module
}

export function readOptions(script: HTMLScriptElement): LoaderOptions | null {
  const { dataset } = script;
  const channel = dataset["channel"]?.trim();
  if (!channel || !script.src) return null;
  return {
    base: new URL(script.src).origin,
    channel,
    language: chooseLanguage(dataset["language"]),
    theme: dataset["theme"] === "light" || dataset["theme"] === "dark" ? dataset["theme"] : "auto",
    color: dataset["color"] ?? null,
    position: dataset["position"] === "left" ? "left" : "right",
    launcher: dataset["launcher"] !== "none",
    open: dataset["open"] === "true",
    label: dataset["label"] ?? "",
    offset: { x: pixels(dataset["offsetX"], 20), y: pixels(dataset["offsetY"], 20) },
    zIndex: pixels(dataset["zIndex"], Z_INDEX),
    nonce: script.nonce,
  };
}

function chooseLanguage(wanted: string | undefined): "en" | "zh" | null {
  const tags = [wanted, document.documentElement.lang, navigator.language];
  const primary = tags.map((tag) => tag?.toLowerCase().split(/[-_]/)[0]);
  return primary.find((tag): tag is "en" | "zh" => tag === "en" || tag === "zh") ?? null;
}

function pixels(text: string | undefined, otherwise: number): number {
  const value = Number(text?.trim() || NaN);
  return Number.isFinite(value) ? value : otherwise;
}
