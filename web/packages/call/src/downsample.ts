/** Samples of any rate to another below it, a piece at a time: each one made is the mean of what it stands for. */
export class Downsampler {
  private readonly step: number;
  private sum = 0;
  private weight = 0;

  constructor(from: number, to: number) {
    this.step = from / to;
  }

  push(samples: Float32Array, take: (sample: number) => void): void {
    for (const sample of samples) {
      let left = 1;
      while (this.weight + left >= this.step) {
        const part = this.step - this.weight;
        take((this.sum + sample * part) / this.step);
        left -= part;
        this.sum = 0;
        this.weight = 0;
      }
      this.sum += sample * left;
      this.weight += left;
    }
  }
}
