/**
 * Error
 * ├── ApiError      the server answered, and said no (problem+json)
 * └── NetworkError  no answer came: offline, refused, cut or too slow
 */

interface Problem {
  title?: string;
  detail?: string;
  code?: string;
}

export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Every field of the problem document, the standard ones included. */
    readonly fields: Readonly<Record<string, unknown>> = {},
    /** Seconds to wait before asking again, when the server said so. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  static async from(response: Response): Promise<ApiError> {
    const fields = await readProblem(response);
    const { title, detail, code } = fields as Problem;
    const message = detail ?? title ?? `The server answered ${response.status}`;
    return new ApiError(response.status, code ?? `http_${response.status}`, message, fields, retryAfter(response));
  }
}

export class NetworkError extends Error {
  override readonly name = "NetworkError";
}

/** Whether the same request may succeed later without being changed. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof NetworkError) return true;
  return error instanceof ApiError && (error.status >= 500 || error.status === 429 || error.status === 408);
}

async function readProblem(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {}; // a proxy's HTML page, or nothing: the status says enough
  }
}

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
