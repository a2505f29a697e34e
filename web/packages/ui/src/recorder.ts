/** What browsers record, best first: Opus everywhere but in Safari, which makes AAC. The server reads both. */
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4", "audio/webm"];
const ENDINGS: Record<string, string> = { "audio/webm": "webm", "audio/ogg": "ogg", "audio/mp4": "m4a" };
/** Shorter is a slip of the finger. */
const SHORTEST_MS = 400;
const LEVEL_EVERY_MS = 80;

export const canRecord = (): boolean =>
  typeof MediaRecorder !== "undefined" && typeof navigator.mediaDevices?.getUserMedia === "function";

/** One recording from the microphone; `level` from 0 to 1 is told while it runs. */
export class Recorder {
  private stream: MediaStream | null = null;
  private media: MediaRecorder | null = null;
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private began = 0;
  private readonly pieces: Blob[] = [];

  constructor(private readonly onLevel: (level: number) => void) {}

  /** Asks for the microphone and begins. Rejects when it is forbidden or missing. */
  async start(): Promise<void> {
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true },
    });
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.media = new MediaRecorder(this.stream, { ...(mimeType ? { mimeType } : {}), audioBitsPerSecond: 32_000 });
    this.media.ondataavailable = ({ data }) => {
      if (data.size) this.pieces.push(data);
    };
    this.media.start();
    this.began = performance.now();
    this.listen(this.stream);
  }

  get seconds(): number {
    return this.began ? (performance.now() - this.began) / 1000 : 0;
  }

  /** Ends it; null when it was a slip or nothing was recorded. */
  async stop(): Promise<File | null> {
    const { media } = this;
    const isSlip = this.seconds * 1000 < SHORTEST_MS;
    if (media && media.state !== "inactive") {
      await new Promise<void>((ended) => {
        media.onstop = () => {
          ended();
        };
        media.stop();
      });
    }
    this.release();
    const type = (media?.mimeType ?? "").split(";")[0] ?? "";
    if (isSlip || !this.pieces.length) return null;
    return new File(this.pieces, `voice.${ENDINGS[type] ?? "webm"}`, { type });
  }

  cancel(): void {
    if (this.media && this.media.state !== "inactive") this.media.stop();
    this.release();
  }

  private listen(stream: MediaStream): void {
    this.context = new AudioContext();
    const analyser = new AnalyserNode(this.context, { fftSize: 512 });
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      this.onLevel(Math.min(1, Math.sqrt(power) * 5)); // speech into a telephone has about a fifth of full scale
    }, LEVEL_EVERY_MS);
  }

  private release(): void {
    clearInterval(this.timer);
    this.stream?.getTracks().forEach((track) => {
      track.stop();
    });
    void this.context?.close();
    this.context = null;
  }
}
