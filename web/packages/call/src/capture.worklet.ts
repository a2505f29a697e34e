import { Downsampler } from "./downsample";

/** Runs on the browser's sound thread: what the microphone hears, as 16-bit samples, 40 ms a message. */
const RATE = 16_000;
const FRAME = 640;
const FULL_SCALE = 32_767;

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class Capture extends AudioWorkletProcessor {
  private readonly down = new Downsampler(sampleRate, RATE);
  private frame = new Int16Array(FRAME);
  private filled = 0;

  process([input]: Float32Array[][]): boolean {
    const channel = input?.[0];
    if (channel) {
      this.down.push(channel, (sample) => {
        this.take(sample);
      });
    }
    return true;
  }

  private take(sample: number): void {
    this.frame[this.filled++] = Math.max(-1, Math.min(1, sample)) * FULL_SCALE;
    if (this.filled < FRAME) return;
    this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }
}

registerProcessor("kefu-capture", Capture);
