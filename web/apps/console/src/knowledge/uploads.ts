import type { Upload } from "@kefu/client";
import { ref, shallowRef } from "vue";
import type { Source } from "../desk/types";
import { uploadFile } from "../desk/upload";
import { explain } from "../problems";

export interface Sent {
  id: number;
  name: string;
  size: number;
  /** 0 to 1. */
  share: number;
  state: "queued" | "sending" | "failed";
  problem: string;
}

/** Two at a time keep the line full; more would only make each slower. */
const AT_ONCE = 2;

/** Files on their way to the library, a few at a time, each with its own progress and its own error. */
export function useUploads(onAdded: (source: Source) => void) {
  const files = shallowRef<readonly Sent[]>([]);
  const waiting: { id: number; file: File }[] = [];
  const running = new Map<number, Upload<Source>>();
  const last = ref(0);

  const change = (id: number, part: Partial<Sent>): void => {
    files.value = files.value.map((each) => (each.id === id ? { ...each, ...part } : each));
  };
  const forget = (id: number): void => {
    files.value = files.value.filter((each) => each.id !== id);
  };
  const send = async (id: number, file: File): Promise<void> => {
    change(id, { state: "sending" });
    const upload = uploadFile(file, (share) => {
      change(id, { share });
    });
    running.set(id, upload);
    try {
      const source = await upload.done;
      forget(id);
      onAdded(source);
    } catch (error) {
      change(id, { state: "failed", problem: explain(error) });
    } finally {
      running.delete(id);
      next();
    }
  };
  const next = (): void => {
    while (running.size < AT_ONCE) {
      const following = waiting.shift();
      if (!following) return;
      void send(following.id, following.file);
    }
  };
  const add = (chosen: Iterable<File>): void => {
    for (const file of chosen) {
      const id = ++last.value;
      files.value = [...files.value, { id, name: file.name, size: file.size, share: 0, state: "queued", problem: "" }];
      waiting.push({ id, file });
    }
    next();
  };
  const drop = (id: number): void => {
    running.get(id)?.cancel();
    const place = waiting.findIndex((each) => each.id === id);
    if (place !== -1) waiting.splice(place, 1);
    forget(id);
  };
  return { files, add, drop };
}

/** The files of a drop, those inside dropped folders too. */
export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = Array.from(transfer.items).flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (!entries.length) return Array.from(transfer.files);
  return (await Promise.all(entries.map(filesIn))).flat();
}

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.name.startsWith(".")) return []; // what systems hide in folders is no knowledge
  if (entry.isFile)
    return [
      await new Promise<File>((resolve, reject) => {
        (entry as FileSystemFileEntry).file(resolve, reject);
      }),
    ];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject); // gives a hundred at a time
    });
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesIn))).flat();
}
