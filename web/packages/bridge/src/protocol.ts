/**
 * What loader (on the company's page) and frame (on Kefu's origin) say to each other.
 *
 * The text of a message never crosses: every script on the company's page could read it. The visitor's token crosses
 * only where the browser forbids a frame of another site to store anything (private windows, third-party cookies
 * blocked); then the page keeps it for the frame, or the customer would be a stranger on each page they open.
 */

export type Scalar = string | number | boolean;

/** A customer whom the company's own server vouches for with a hash. */
export interface HostIdentity {
  id: string;
  hash: string;
  name?: string;
  email?: string;
}

/** Loader → frame. */
export interface HostMessages {
  /** What the frame once gave to keep, before anything else is said. */
  kept: { values: Record<string, string> };
  /** The panel is on screen (true) or hidden (false). */
  visible: { visible: boolean };
  identify: { identity: HostIdentity };
  attributes: { attributes: Record<string, Scalar> };
  /** Forget the customer on this device, as after a log-out. */
  forget: Record<never, never>;
}

/** Frame → loader. */
export interface FrameMessages {
  /** The channel is known: what the bubble should look like. */
  ready: { title: string; color: string | null };
  unread: { count: number };
  /** What the frame may not store itself; replaces what was given before. */
  keep: { values: Record<string, string> };
  /** The customer asked to close the panel. */
  close: Record<never, never>;
  /** Something that the page may want to count or react to. */
  event: { name: FrameEvent; detail: Record<string, Scalar> };
}

export type FrameEvent = "message:sent" | "message:received" | "conversation:status" | "feedback" | "error";

/** One message of a protocol, as it is sent. */
export type Envelope<M> = { [K in keyof M]: { type: K; data: M[K] } }[keyof M];

/** The handshake, the only words spoken outside the channel. */
export interface Hello {
  kefu: typeof PROTOCOL;
  step: "hello" | "connect";
}

/** Grows when an old loader (cached by browsers) could no longer understand a new frame. */
export const PROTOCOL = 1;

export function isHello(data: unknown, step: Hello["step"]): boolean {
  return (
    typeof data === "object" && data !== null && (data as Hello).kefu === PROTOCOL && (data as Hello).step === step
  );
}
