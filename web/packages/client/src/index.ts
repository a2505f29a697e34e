export { createClient, type Client, type ClientOptions, type VisitorRequest } from "./client";
export { ApiError, NetworkError, isRetryable } from "./errors";
export { backoffDelay } from "./backoff";
export { LiveSocket, liveUrl, type LiveOptions, type LiveState, type Ready } from "./live";
export { Timeline } from "./timeline";
export { sendFile, type Upload } from "./upload";
export { newKey } from "./key";
export type * from "./types";
