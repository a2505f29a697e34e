export { connectToFrame, connectToHost } from "./handshake";
export { Port } from "./port";
export { embedHash, readEmbedHash, type EmbedOptions } from "./options";
export type * from "./protocol";
