/** A sound that is still being made, as this browser plays it. */
export interface StreamedSound {
  /** Can be played at once, by one element. */
  readonly address: string;
  /** Can be played by any, once all of it has come. */
  readonly whole: Promise<string>;
}

/** Plays what has come while the rest is on its way, where the browser can; else once all of it has come. */
export async function streamedSound(response: Response): Promise<StreamedSound> {
  const type = response.headers.get("content-type") ?? "";
  if (!response.body || typeof MediaSource === "undefined" || !MediaSource.isTypeSupported(type)) {
    const whole = URL.createObjectURL(await response.blob());
    return { address: whole, whole: Promise.resolve(whole) };
  }
  const source = new MediaSource();
  const arriving = new Arriving(response.body.getReader());
  source.addEventListener("sourceopen", () => void feed(source, type, arriving), { once: true });
  const whole = arriving.all.then((parts) => URL.createObjectURL(new Blob(parts, { type })));
  whole.catch(() => undefined); // whoever plays it hears of it
  return { address: URL.createObjectURL(source), whole };
}

type Part = Uint8Array<ArrayBuffer>;

/** Keeps what has come, so that it can be read from its beginning at any time. */
class Arriving {
  readonly all: Promise<Part[]>;
  private readonly parts: Part[] = [];
  private state: "coming" | "whole" | "broken" = "coming";
  private wake: () => void = () => undefined;

  constructor(reader: ReadableStreamDefaultReader<Part>) {
    this.all = this.read(reader);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Part> {
    for (let at = 0; ; at += 1) {
      while (at >= this.parts.length && this.state === "coming") {
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
      const part = this.parts[at];
      if (part) yield part;
      else if (this.state === "broken") throw new Error("The sound was cut off");
      else return;
    }
  }

  private async read(reader: ReadableStreamDefaultReader<Part>): Promise<Part[]> {
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        this.parts.push(next.value);
        this.wake();
      }
      this.state = "whole";
    } catch (error) {
      this.state = "broken";
      throw error;
    } finally {
      this.wake();
    }
    return this.parts;
  }
}

async function feed(source: MediaSource, type: string, arriving: Arriving): Promise<void> {
  const buffer = source.addSourceBuffer(type);
  try {
    for await (const part of arriving) await appended(buffer, part);
    source.endOfStream();
  } catch {
    if (source.readyState === "open") source.endOfStream("network");
  }
}

function appended(buffer: SourceBuffer, part: Part): Promise<void> {
  return new Promise((resolve, reject) => {
    buffer.addEventListener(
      "updateend",
      () => {
        resolve();
      },
      { once: true },
    );
    buffer.addEventListener(
      "error",
      () => {
        reject(new Error("The sound cannot be read"));
      },
      { once: true },
    );
    buffer.appendBuffer(part);
  });
}
