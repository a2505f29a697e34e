import { ApiError, NetworkError } from "@kefu/client";
import type { Session } from "./types";

/** Longer than any answer but an upload's or a trial's with a slow generator; what hangs longer is cut. */
const TIMEOUT_MS = 30_000;
/** A file of some megabytes over a slow line. */
const FILE_TIMEOUT_MS = 120_000;
export const BASE = "/desk/api";

export interface Extras {
  body?: unknown;
  /** Idempotency-Key: the same again is stored once. */
  key?: string;
  signal?: AbortSignal;
  timeout?: number;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type RefusalListener = (error: ApiError) => void;

/** What every request of this page carries; a session answer changes it. */
const carried = { csrf: "", workspace: "" };
let onRefused: RefusalListener = () => undefined;

/** Called when the session has ended or the password must be changed first, whichever request found out. */
export function whenRefused(listener: RefusalListener): void {
  onRefused = listener;
}

export function carry(session: Session): void {
  carried.csrf = session.csrf;
  carried.workspace = session.workspace?.id ?? "";
}

/** The desk API's answer; rejects with ApiError or NetworkError. */
export async function request<T>(method: Method, path: string, extras: Extras = {}): Promise<T> {
  try {
    return await send<T>(method, path, extras);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "csrf_failed") {
      carry(await send<Session>("GET", "/session", {})); // another tab logged in and changed it
      return send<T>(method, path, extras);
    }
    tellIfRefused(error);
    throw error;
  }
}

/** Refusals that lead to a page where what is lacking is done. */
const LEADS: readonly string[] = ["must_change_password", "second_factor_required", "sso_required"];

export function tellIfRefused(error: ApiError): void {
  if (error.status === 401 || LEADS.includes(error.code)) onRefused(error);
}

export function headers(method: Method, { body, key }: Extras = {}): Record<string, string> {
  return {
    Accept: "application/json",
    ...(carried.workspace ? { "X-Kefu-Workspace": carried.workspace } : {}),
    ...(method === "GET" ? {} : { "X-CSRFToken": carried.csrf }),
    ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    ...(key ? { "Idempotency-Key": key } : {}),
  };
}

/** "?a=1&b=2" of the values that are set, a list's each by itself; "" of none. */
export function query(values: Record<string, QueryValue | readonly string[]>): string {
  const set = Object.entries(values).flatMap(([name, value]) =>
    (isList(value) ? value : [value])
      .filter((each) => each !== null && each !== undefined && each !== "")
      .map((each): [string, string] => [name, String(each)]),
  );
  return set.length ? `?${new URLSearchParams(set).toString()}` : "";
}

type QueryValue = string | number | boolean | null | undefined;
const isList = (value: QueryValue | readonly string[]): value is readonly string[] => Array.isArray(value);

/** A file's bytes; rejects as `request` does. */
export const download = async (path: string): Promise<Blob> => (await fetched("GET", path)).blob();

/** An answer that is a file, as soon as it begins to come; rejects as `request` does. */
export async function fetched(method: Method, path: string, body?: unknown): Promise<Response> {
  const response = await reach(path, {
    method,
    headers: headers(method, { body }),
    credentials: "same-origin",
    signal: AbortSignal.timeout(FILE_TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) {
    const error = await ApiError.from(response);
    tellIfRefused(error);
    throw error;
  }
  return response;
}

async function send<T>(method: Method, path: string, extras: Extras): Promise<T> {
  const cut = AbortSignal.timeout(extras.timeout ?? TIMEOUT_MS);
  const response = await reach(path, {
    method,
    headers: headers(method, extras),
    credentials: "same-origin",
    signal: extras.signal ? AbortSignal.any([extras.signal, cut]) : cut,
    ...(extras.body === undefined ? {} : { body: JSON.stringify(extras.body) }),
  });
  if (!response.ok) throw await ApiError.from(response);
  try {
    return (await (response.status === 204 ? null : response.json())) as T;
  } catch (cause) {
    throw new NetworkError("The answer was cut off", { cause });
  }
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(BASE + path, init);
  } catch (cause) {
    if (init.signal?.aborted && cause instanceof DOMException && cause.name === "AbortError") throw cause; // we did it
    throw new NetworkError("The server could not be reached", { cause });
  }
}
