import { Files } from "@kefu/ui";
import { onScopeDispose } from "vue";
import { inbox } from "../desk/api";
import type { Attachment } from "../desk/types";
import { uploadAttachment } from "../desk/upload";
import { session } from "../session";

/** How many files this page keeps in memory; the ones longest unseen are fetched again. */
const KEPT = 100;
const shown = new Map<string, Promise<string>>();

/** Where this browser shows a file from: fetched once, since an address alone does not say in which workspace. */
export function addressOf({ id }: Attachment): Promise<string> {
  const known = shown.get(id);
  if (known) return known;
  const fetched = inbox.attachment(id).then((bytes) => URL.createObjectURL(bytes));
  keep(id, fetched);
  fetched.catch(() => shown.delete(id));
  return fetched;
}

function keep(id: string, address: Promise<string>): void {
  shown.set(id, address);
  const [oldest] = shown;
  if (!oldest || shown.size <= KEPT) return;
  shown.delete(oldest[0]);
  void oldest[1].then(URL.revokeObjectURL, () => undefined);
}

/** What a member chose to send in one conversation. */
export function useFiles(conversation: string): Files {
  const files = new Files({
    limits: () => session.value?.attachments ?? { per_message: 0, bytes: 0 },
    upload: (file, onProgress) => Promise.resolve(uploadAttachment(conversation, file, onProgress)),
    onPreview: (id, address) => {
      keep(id, Promise.resolve(address));
    },
  });
  onScopeDispose(() => {
    files.stop();
  });
  return files;
}
