import type { SoundFrame } from "./frames";

/** Pieces of another person's sound come as the network lets them: this much is kept back, in seconds. */
const CUSHION = 0.12;
/** What lags further behind than this is left out rather than heard late. */
const LATEST = 0.6;
/** The first piece of an answer starts this far ahead, so that it is not cut. */
const LEAD = 0.02;
const FULL_SCALE = 32_768;

interface Sounding {
  pieces: number;
  begun: boolean;
  complete: boolean;
}

/** Plays answers sentence after sentence, and a person's voice as it comes. */
export class Player {
  /** Pieces that were heard to their end. */
  played = 0;
  private readonly sources = new Set<AudioBufferSourceNode>();
  private readonly sentences = new Map<number, Sounding>();
  private until = { answer: 0, person: 0 };

  constructor(
    private readonly context: AudioContext,
    /** A sentence is about to be heard, or was. */
    private readonly onPlayed: (sentence: number, begun: boolean) => void,
  ) {}

  /** Whether an answer is being heard. */
  get sounds(): boolean {
    return this.sentences.size > 0;
  }

  play({ origin, rate, sentence, samples }: SoundFrame): void {
    const { currentTime } = this.context;
    if (!samples.length || (origin === "person" && this.until.person - currentTime > LATEST)) return;
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate, numberOfChannels: 1 });
    buffer.copyToChannel(
      Float32Array.from(samples, (sample) => sample / FULL_SCALE),
      0,
    );
    const source = new AudioBufferSourceNode(this.context, { buffer });
    const start = Math.max(this.until[origin], currentTime + (origin === "person" ? 0 : LEAD));
    const begins = start > this.until[origin] && origin === "person" ? start + CUSHION : start;
    this.until[origin] = begins + buffer.duration;
    source.connect(this.context.destination);
    source.start(begins);
    this.sources.add(source);
    if (origin === "answer") this.begin(sentence);
    source.onended = () => {
      this.sources.delete(source);
      this.played++;
      if (origin === "answer") this.ended(sentence);
    };
  }

  /** All of a sentence has come. */
  complete(sentence: number): void {
    const sounding = this.sentences.get(sentence) ?? { pieces: 0, begun: true, complete: false };
    this.sentences.set(sentence, { ...sounding, complete: true });
    this.settle(sentence);
  }

  /** Silence, at once. */
  stop(): void {
    for (const source of this.sources) {
      source.onended = null;
      source.stop();
    }
    this.sources.clear();
    this.sentences.clear();
    this.until = { answer: 0, person: 0 };
  }

  private begin(sentence: number): void {
    const sounding = this.sentences.get(sentence) ?? { pieces: 0, begun: false, complete: false };
    this.sentences.set(sentence, { ...sounding, pieces: sounding.pieces + 1 });
    const [first] = this.sentences.keys();
    if (first === sentence) this.tellBegun(sentence); // else it waits for the one before
  }

  private tellBegun(sentence: number): void {
    const sounding = this.sentences.get(sentence);
    if (!sounding || sounding.begun) return;
    this.sentences.set(sentence, { ...sounding, begun: true });
    this.onPlayed(sentence, true);
  }

  private ended(sentence: number): void {
    const sounding = this.sentences.get(sentence);
    if (!sounding) return;
    this.sentences.set(sentence, { ...sounding, pieces: sounding.pieces - 1 });
    this.settle(sentence);
  }

  private settle(sentence: number): void {
    const sounding = this.sentences.get(sentence);
    if (!sounding?.complete || sounding.pieces > 0) return;
    this.sentences.delete(sentence);
    this.onPlayed(sentence, false);
    const [next] = this.sentences.keys();
    if (next !== undefined) this.tellBegun(next);
  }
}
