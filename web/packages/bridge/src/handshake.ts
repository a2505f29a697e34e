import { isHello, PROTOCOL, type FrameMessages, type Hello, type HostMessages } from "./protocol";
import type { Port } from "./port";

/**
 * Loader's side: waits for the frame's hello and answers with one end of a new channel.
 *
 * Only a hello from this very frame at this very origin counts, and the channel is posted to that origin alone.
 * A frame that reloads says hello again and gets a new channel. Returns a function that stops listening.
 */
export function connectToFrame(
  frame: HTMLIFrameElement,
  frameOrigin: string,
  port: Port<FrameMessages, HostMessages>,
  onConnect: () => void,
): () => void {
  const listen = (event: MessageEvent<unknown>): void => {
    const target = frame.contentWindow;
    if (!target || event.source !== target || event.origin !== frameOrigin || !isHello(event.data, "hello")) return;
    const { port1, port2 } = new MessageChannel();
    port.open(port1);
    target.postMessage({ kefu: PROTOCOL, step: "connect" } satisfies Hello, frameOrigin, [port2]);
    onConnect();
  };
  window.addEventListener("message", listen);
  return () => {
    window.removeEventListener("message", listen);
  };
}

/**
 * Frame's side: says hello to the page it was told it is on, and takes the channel that comes back.
 *
 * The browser drops the hello if the page is not at `hostOrigin`, so a page that lies about itself hears nothing.
 */
export function connectToHost(host: Window, hostOrigin: string, port: Port<HostMessages, FrameMessages>): void {
  const listen = (event: MessageEvent<unknown>): void => {
    const channel = event.ports[0];
    if (event.source !== host || event.origin !== hostOrigin || !isHello(event.data, "connect") || !channel) return;
    window.removeEventListener("message", listen);
    port.open(channel);
  };
  window.addEventListener("message", listen);
  host.postMessage({ kefu: PROTOCOL, step: "hello" } satisfies Hello, hostOrigin);
}
