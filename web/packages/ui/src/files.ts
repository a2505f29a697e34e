import { ApiError, backoffDelay, isRetryable, newKey, type Attachment, type Limits, type Upload } from "@kefu/client";
import { computed, shallowRef } from "vue";

/** A file that somebody chose for the message they are writing. */
export interface Chosen {
  key: string;
  name: string;
  size: number;
  /** An image's address in this browser. */
  preview: string | null;
  /** uploading · waiting: tried again as soon as there is a connection · ready: the server has it. */
  state: "uploading" | "waiting" | "ready";
  /** 0 to 1. */
  progress: number;
  attachment: Attachment | null;
}

/** What an app's texts have for files. */
export type FileText =
  | "file.chosen"
  | "file.remove"
  | "file.uploading"
  | "file.waiting"
  | "file.open"
  | "file.gone"
  | "voice.play"
  | "voice.pause"
  | "voice.gone"
  | `file.error.${"many" | "large" | "empty" | "kind" | "busy" | "other"}`;
export type FileTexts = (key: FileText, values?: Readonly<Record<string, string | number>>) => string;

export interface FileProblem {
  text: FileText;
  values: Record<string, string | number>;
}

interface FilesOptions {
  limits: () => Limits;
  /** Begins to send a file; rejects as the API does. */
  upload: (file: File, onProgress: (share: number) => void) => Promise<Upload<Attachment>>;
  /** Hears of an image that the server has and this browser can show already. */
  onPreview: (id: string, address: string) => void;
}

/** What is chosen, on its way up, and ready to be sent with the next message. */
export class Files {
  readonly chosen = shallowRef<readonly Chosen[]>([]);
  /** Why a file was not taken, until the next is chosen. */
  readonly problem = shallowRef<FileProblem | null>(null);
  readonly busy = computed(() => this.chosen.value.some(({ state }) => state !== "ready"));
  private readonly uploads = new Map<string, Upload<Attachment>>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly waiting = new Map<string, () => void>();

  constructor(private readonly options: FilesOptions) {
    window.addEventListener("online", this.hurry);
  }

  /** Tries at once what waits for its next try. */
  readonly hurry = (): void => {
    for (const again of [...this.waiting.values()]) again();
  };

  stop(): void {
    window.removeEventListener("online", this.hurry);
    this.clear();
  }

  get most(): number {
    return this.options.limits().per_message;
  }

  add(files: Iterable<File>): void {
    this.problem.value = null;
    for (const file of files) {
      const problem = this.refused(file);
      if (problem) this.problem.value = problem;
      else this.begin(file);
    }
  }

  remove(key: string): void {
    const gone = this.chosen.value.find((each) => each.key === key);
    this.drop(key);
    if (gone?.preview) URL.revokeObjectURL(gone.preview);
  }

  /** Everything that is ready, for a message; nothing is chosen any more. */
  take(): Attachment[] {
    const taken = this.chosen.value.flatMap(({ attachment }) => attachment ?? []);
    this.chosen.value = [];
    this.problem.value = null;
    return taken;
  }

  /** Forgets all, as when somebody else sits down at the browser. */
  clear(): void {
    for (const { key } of this.chosen.value) this.remove(key);
    this.problem.value = null;
  }

  private refused(file: File): FileProblem | null {
    const { most } = this;
    if (this.chosen.value.length >= most) return { text: "file.error.many", values: { count: most } };
    const limit = this.options.limits().bytes;
    if (file.size > limit) return tooLarge(file.name, limit);
    return file.size ? null : { text: "file.error.empty", values: { name: file.name } };
  }

  private begin(file: File): void {
    const preview = /^image\/(png|jpeg|gif|webp)$/.test(file.type) ? URL.createObjectURL(file) : null;
    const key = newKey();
    const { name, size } = file;
    const entry: Chosen = { key, name, size, preview, state: "uploading", progress: 0, attachment: null };
    this.chosen.value = [...this.chosen.value, entry];
    void this.send(key, file, 0);
  }

  private async send(key: string, file: File, attempt: number): Promise<void> {
    this.change(key, { state: "uploading", progress: 0 });
    try {
      const upload = await this.options.upload(file, (progress) => {
        this.change(key, { progress });
      });
      this.uploads.set(key, upload);
      if (!this.has(key)) upload.cancel();
      const attachment = await upload.done;
      const preview = this.chosen.value.find((each) => each.key === key)?.preview;
      if (preview) this.options.onPreview(attachment.id, preview);
      this.change(key, { state: "ready", progress: 1, attachment });
    } catch (error) {
      this.failed(key, file, attempt, error);
    } finally {
      this.uploads.delete(key);
    }
  }

  private failed(key: string, file: File, attempt: number, error: unknown): void {
    if (!this.has(key)) return; // taken away meanwhile
    const isBusy = error instanceof ApiError && error.status === 429; // a day's or a minute's measure is full
    if (!isRetryable(error) || isBusy) {
      this.remove(key);
      this.problem.value = explained(error, file.name, this.options.limits().bytes);
      return;
    }
    const again = (): void => {
      clearTimeout(this.timers.get(key));
      this.waiting.delete(key);
      void this.send(key, file, attempt + 1);
    };
    this.change(key, { state: "waiting" });
    this.waiting.set(key, again);
    this.timers.set(key, setTimeout(again, backoffDelay(attempt)));
  }

  private drop(key: string): void {
    clearTimeout(this.timers.get(key));
    this.waiting.delete(key);
    this.chosen.value = this.chosen.value.filter((each) => each.key !== key);
    this.uploads.get(key)?.cancel();
  }

  private has(key: string): boolean {
    return this.chosen.value.some((each) => each.key === key);
  }

  private change(key: string, part: Partial<Chosen>): void {
    this.chosen.value = this.chosen.value.map((each) => (each.key === key ? { ...each, ...part } : each));
  }
}

const tooLarge = (name: string, bytes: number): FileProblem => ({
  text: "file.error.large",
  values: { name, limit: Math.floor(bytes / 2 ** 20) },
});

function explained(error: unknown, name: string, limit: number): FileProblem {
  if (!(error instanceof ApiError)) return { text: "file.error.other", values: { name } };
  if (error.status === 413) return tooLarge(name, limit);
  if (error.status === 429) return { text: "file.error.busy", values: { name } };
  return { text: error.fields["reason"] === "kind" ? "file.error.kind" : "file.error.other", values: { name } };
}

/** A file's size for people: "340 KB", "1.2 MB". */
export function fileSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : [bytes / 1024 ** 2, "MB"];
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** What a chooser of files offers: the kinds that conversations take. The server tells by the bytes. */
export const FILE_KINDS =
  "image/png,image/jpeg,image/gif,image/webp,application/pdf,text/plain,.csv,.md,.log,.doc,.docx,.xls,.xlsx,.ppt,.pptx,.odt,.ods,.odp,audio/*";
