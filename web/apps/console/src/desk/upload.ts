import { ApiError, NetworkError, sendFile, type Upload } from "@kefu/client";
import { BASE, headers, tellIfRefused } from "./request";
import type { Attachment, Source } from "./types";

/** Sends one file to the library. */
export function uploadFile(file: File, onProgress: (share: number) => void): Upload<Source> {
  const { done, cancel } = sent<{ sources: Source[] }>("/library/files", file, onProgress);
  return {
    done: done.then(({ sources: [source] }) => {
      if (!source) throw new NetworkError("The answer was cut off");
      return source;
    }),
    cancel,
  };
}

/** Sends one file for a conversation, to be named by a reply or a note. */
export const uploadAttachment = (
  conversation: string,
  file: File,
  onProgress: (share: number) => void,
): Upload<Attachment> => sent(`/inbox/conversations/${encodeURIComponent(conversation)}/attachments`, file, onProgress);

/** Sends one file as the form field `file`. */
export function sent<T>(path: string, file: File, onProgress: (share: number) => void): Upload<T> {
  const upload = sendFile<T>(BASE + path, headers("POST"), file, onProgress);
  upload.done.catch((error: unknown) => {
    if (error instanceof ApiError) tellIfRefused(error);
  });
  return upload;
}
