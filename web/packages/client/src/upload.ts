import { ApiError, NetworkError } from "./errors.js";

export interface Upload<T> {
  done: Promise<T>;
  cancel: () => void;
}

/** A file as React Native knows it. */
export interface NativeFile {
  uri: string;
  name: string;
  type: string;
}

export type Sendable = Blob | NativeFile;

/** Sends one file as the form field `file`; `onProgress` hears the share sent, 0 to 1. */
export type SendFile = <T>(
  url: string,
  headers: Record<string, string>,
  file: Sendable,
  onProgress: (share: number) => void,
) => Upload<T>;

/** How files are sent here: by XMLHttpRequest, which tells how far it is; in Node, which has none, by fetch. */
export const fileSender = (fetcher: typeof fetch | undefined): SendFile =>
  typeof XMLHttpRequest === "undefined" ? sendByFetch(fetcher ?? fetch) : sendFile;

export function sendFile<T>(
  url: string,
  headers: Record<string, string>,
  file: Sendable,
  onProgress: (share: number) => void,
): Upload<T> {
  const wire = new XMLHttpRequest();
  const done = new Promise<T>((resolve, reject) => {
    wire.upload.onprogress = ({ loaded, total }) => {
      onProgress(total ? loaded / total : 0);
    };
    wire.onload = () => {
      if (wire.status < 300) resolve(parsed(wire.responseText) as T);
      else reject(refusal(wire));
    };
    wire.onerror = wire.onabort = () => {
      reject(new NetworkError("The upload was cut off"));
    };
  });
  wire.open("POST", url);
  for (const [name, value] of Object.entries(headers)) wire.setRequestHeader(name, value);
  wire.send(formOf(file));
  return {
    done,
    cancel: () => {
      wire.abort();
    },
  };
}

const sendByFetch =
  (fetcher: typeof fetch): SendFile =>
  <T>(url: string, headers: Record<string, string>, file: Sendable, onProgress: (share: number) => void): Upload<T> => {
    const controller = new AbortController();
    const send = async (): Promise<T> => {
      const { signal } = controller;
      const response = await fetcher(url, { method: "POST", headers, body: formOf(file), signal }).catch((cause) => {
        throw new NetworkError("The upload was cut off", { cause });
      });
      if (!response.ok) throw await ApiError.from(response);
      onProgress(1);
      return (await response.json()) as T;
    };
    return {
      done: send(),
      cancel: () => {
        controller.abort();
      },
    };
  };

function formOf(file: Sendable): FormData {
  const form = new FormData();
  form.append("file", file as Blob); // React Native's form takes its own kind of file
  return form;
}

function refusal(wire: XMLHttpRequest): ApiError {
  const fields = parsed(wire.responseText);
  const detail = typeof fields["detail"] === "string" ? fields["detail"] : `The server answered ${wire.status}`;
  const code = typeof fields["code"] === "string" ? fields["code"] : `http_${wire.status}`;
  return new ApiError(wire.status, code, detail, fields);
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {}; // a proxy's HTML page: the status says enough
  }
}
