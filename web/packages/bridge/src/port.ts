import type { Envelope } from "./protocol";

type Handlers<M> = { [K in keyof M]?: (data: M[K]) => void };

/** One end of the private channel: sends `Out`, hears `In`. Messages sent before `open` wait. */
export class Port<In, Out> {
  private channel: MessagePort | null = null;
  private waiting: Envelope<Out>[] = [];

  constructor(private readonly handlers: Handlers<In>) {}

  /** Uses this channel from now on; an earlier one (of a frame that was reloaded) is closed. */
  open(channel: MessagePort): void {
    this.channel?.close();
    this.channel = channel;
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      this.receive(data);
    };
    for (const envelope of this.waiting.splice(0)) channel.postMessage(envelope);
  }

  send<K extends keyof Out>(type: K, data: Out[K]): void {
    const envelope = { type, data } as Envelope<Out>;
    if (this.channel) this.channel.postMessage(envelope);
    else this.waiting.push(envelope);
  }

  close(): void {
    this.channel?.close();
    this.channel = null;
  }

  private receive(message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    const { type, data } = message as Envelope<In>;
    if (Object.hasOwn(this.handlers, type)) this.handlers[type]?.(data);
  }
}
