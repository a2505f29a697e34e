import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { streamedSound } from "../src";

class Buffer extends EventTarget {
  readonly parts: number[] = [];

  appendBuffer(part: Uint8Array): void {
    this.parts.push(...part);
    queueMicrotask(() => this.dispatchEvent(new Event("updateend")));
  }
}

/** What a browser's MediaSource does for us: opens, takes parts, is told the end. */
class Source extends EventTarget {
  static made: Source[] = [];
  static isTypeSupported = (type: string): boolean => type === "audio/mpeg";
  readonly buffer = new Buffer();
  readyState = "open";
  ended: string | null = null;

  constructor() {
    super();
    Source.made.push(this);
  }

  addSourceBuffer(): Buffer {
    return this.buffer;
  }

  endOfStream(reason = "whole"): void {
    this.ended = reason;
  }
}

function sound(type = "audio/mpeg"): {
  response: Response;
  come: (part: number[]) => void;
  end: (error?: Error) => void;
} {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (made) => (controller = made) });
  return {
    response: new Response(body, { headers: { "content-type": type } }),
    come: (part) => {
      controller.enqueue(Uint8Array.from(part));
    },
    end: (error) => {
      if (error) controller.error(error);
      else controller.close();
    },
  };
}

describe("streamedSound", () => {
  beforeEach(() => {
    vi.spyOn(URL, "createObjectURL").mockImplementation((of) => (of instanceof Blob ? "blob:whole" : "blob:source"));
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    Source.made = [];
  });

  it("plays what has come while the rest is still made", async () => {
    vi.stubGlobal("MediaSource", Source);
    const { response, come, end } = sound();
    const { address, whole } = await streamedSound(response);
    expect(address).toBe("blob:source");
    const [source] = Source.made as [Source];
    come([1, 2]);
    source.dispatchEvent(new Event("sourceopen"));
    await vi.waitFor(() => {
      expect(source.buffer.parts).toEqual([1, 2]);
    }, 20_000);
    come([3]);
    end();
    expect(await whole).toBe("blob:whole");
    await vi.waitFor(() => {
      expect(source.ended).toBe("whole");
    }, 20_000);
    expect(source.buffer.parts).toEqual([1, 2, 3]);
  });

  it("ends with an error where the sound is cut off", async () => {
    vi.stubGlobal("MediaSource", Source);
    const { response, come, end } = sound();
    const { whole } = await streamedSound(response);
    const [source] = Source.made as [Source];
    source.dispatchEvent(new Event("sourceopen"));
    come([1]);
    await vi.waitFor(() => {
      expect(source.buffer.parts).toEqual([1]);
    }, 20_000);
    end(new Error("gone"));
    await expect(whole).rejects.toThrow("gone");
    await vi.waitFor(() => {
      expect(source.ended).toBe("network");
    }, 20_000);
  });

  it("waits for all of it in a browser that cannot", async () => {
    vi.stubGlobal("MediaSource", Source);
    const { response, come, end } = sound("audio/ogg");
    come([1, 2, 3]);
    end();
    const { address, whole } = await streamedSound(response);
    expect(await whole).toBe(address);
    expect(Source.made).toEqual([]);
  });
});
