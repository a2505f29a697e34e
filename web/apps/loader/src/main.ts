/**
 * `<script src="https://kefu.example/loader.js" data-channel="…" async></script>` puts a chat on any page.
 *
 * Needs of a strict Content-Security-Policy only `script-src` and `frame-src` for Kefu's origin: no inline style,
 * no eval, no request of its own.
 */
import { createApi, type QueuedCall } from "./api";
import { findScript, readOptions } from "./options";
import { Widget } from "./widget";

function start(): void {
  const script = findScript();
  const options = script && readOptions(script);
  if (!options) {
    console.error('Kefu: the script tag needs a data-channel, as in <script src="…/loader.js" data-channel="ID">');
    return;
  }
  const earlier: unknown = window.Kefu;
  if (earlier && !Array.isArray(earlier)) {
    console.warn("Kefu: the loader is on this page twice; the second one does nothing");
    return;
  }
  const widget = new Widget(options);
  window.Kefu = createApi(widget, (earlier ?? []) as QueuedCall[]);
  whenBody(() => {
    widget.mount();
  });
}

/** A script in <head> runs before there is a body to stand in. */
function whenBody(action: () => void): void {
  if (document.body as HTMLElement | null) action();
  else document.addEventListener("DOMContentLoaded", action, { once: true });
}

start();
