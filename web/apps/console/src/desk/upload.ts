import { ApiError, NetworkError } from "@kefu/api";
import { BASE, headers, tellIfRefused } from "./request";
import type { Source } from "./types";

export interface Upload {
  done: Promise<Source>;
  cancel: () => void;
}

/** Sends one file to the library; `onProgress` hears the share sent, 0 to 1. (fetch cannot tell it.) */
export function uploadFile(file: File, onProgress: (share: number) => void): Upload {
  const wire = new XMLHttpRequest();
  const done = new Promise<Source>((resolve, reject) => {
    wire.upload.onprogress = ({ loaded, total }) => {
      onProgress(total ? loaded / total : 0);
    };
    wire.onload = () => {
      finish(wire, resolve, reject);
    };
    wire.onerror = wire.onabort = () => {
      reject(new NetworkError("The upload was cut off"));
    };
  });
  wire.open("POST", `${BASE}/library/files`);
  for (const [name, value] of Object.entries(headers("POST"))) wire.setRequestHeader(name, value);
  const form = new FormData();
  form.append("file", file);
  wire.send(form);
  return {
    done,
    cancel: () => {
      wire.abort();
    },
  };
}

function finish(wire: XMLHttpRequest, resolve: (source: Source) => void, reject: (error: Error) => void): void {
  const body = parsed(wire.responseText);
  const source = (body["sources"] as Source[] | undefined)?.[0];
  if (wire.status < 300 && source) {
    resolve(source);
    return;
  }
  const detail = typeof body["detail"] === "string" ? body["detail"] : `The server answered ${wire.status}`;
  const code = typeof body["code"] === "string" ? body["code"] : `http_${wire.status}`;
  const error = new ApiError(wire.status, code, detail, body);
  tellIfRefused(error);
  reject(error);
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {}; // a proxy's HTML page: the status says enough
  }
}
