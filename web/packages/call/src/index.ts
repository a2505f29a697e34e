export { CallLine, type CallOptions, type LineState } from "./line";
export type { Call, CallState } from "./frames";
