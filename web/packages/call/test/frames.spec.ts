import { describe, expect, it } from "vitest";
import { Downsampler } from "../src/downsample";
import { soundOf, toldOf } from "../src/frames";

const frame = (...bytes: number[]): ArrayBuffer => new Uint8Array(bytes).buffer;

describe("frames of a call", () => {
  it("reads whose sound it is, its rate, its sentence and its samples", () => {
    expect(soundOf(frame(1, 24, 3, 1, 0xff, 0x7f, 0, 0x80))).toEqual({
      origin: "answer",
      rate: 24_000,
      sentence: 259,
      samples: new Int16Array([32_767, -32_768]),
    });
    expect(soundOf(frame(2, 16, 0, 0))?.origin).toBe("person");
  });

  it("passes over what a newer server may send", () => {
    expect(soundOf(frame(9, 16, 0, 0))).toBeNull();
    expect(soundOf(frame(1, 16))).toBeNull();
    expect(toldOf("{")).toBeNull();
    expect(toldOf('{"kind": 1}')).toBeNull();
    expect(toldOf('{"type":"pong"}')).toEqual({ type: "pong" });
  });
});

describe("downsampling", () => {
  const run = (from: number, samples: number[][]): number[] => {
    const found: number[] = [];
    const down = new Downsampler(from, 16_000);
    for (const piece of samples) down.push(Float32Array.from(piece), (sample) => found.push(sample));
    return found;
  };

  it("gives the mean of the samples that each stands for, across pieces", () => {
    expect(
      run(48_000, [
        [0, 0.5],
        [1, 1, 1, 1, 0.25],
      ]),
    ).toEqual([0.5, 1]);
    expect(run(16_000, [[0.25, -0.5]])).toEqual([0.25, -0.5]);
  });

  it("shares a sample between two where the rates do not divide", () => {
    const found = run(44_100, [Array.from({ length: 44_100 }, () => 0.5)]);
    expect(found.length).toBeGreaterThanOrEqual(15_999);
    expect(found.every((sample) => Math.abs(sample - 0.5) < 1e-6)).toBe(true);
  });
});
