import { ApiError, NetworkError } from "./errors";

export interface Upload<T> {
  done: Promise<T>;
  cancel: () => void;
}

/** Sends one file as the form field `file`; `onProgress` hears the share sent, 0 to 1. (fetch cannot tell it.) */
export function sendFile<T>(
  url: string,
  headers: Record<string, string>,
  file: File,
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
