import worklet from "./capture.worklet?worker&url";

/** The microphone during a call: frames for the server, and how loud it is. */
export class Microphone {
  private stream: MediaStream | null = null;
  private node: AudioWorkletNode | null = null;
  private source: MediaStreamAudioSourceNode | null = null;
  level = 0;

  constructor(
    private readonly context: AudioContext,
    private readonly onFrame: (frame: ArrayBuffer) => void,
  ) {}

  /** Asks for the microphone and begins. Rejects when it is forbidden or missing. */
  async start(): Promise<void> {
    // Without echo cancellation the answer would be heard as if the customer interrupted it.
    const wanted = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    await this.context.audioWorklet.addModule(worklet);
    this.node = new AudioWorkletNode(this.context, "kefu-capture", { numberOfOutputs: 0 });
    this.node.port.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      this.level = loudness(data);
      this.onFrame(data);
    };
    this.source = this.context.createMediaStreamSource(this.stream);
    this.source.connect(this.node);
  }

  /** A muted microphone sends silence: the server goes on hearing that nobody speaks. */
  mute(muted: boolean): void {
    for (const track of this.stream?.getTracks() ?? []) track.enabled = !muted;
  }

  stop(): void {
    this.source?.disconnect();
    this.node?.port.close();
    this.node?.disconnect();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }
}

/** From 0 to 1; speech into a telephone has about a fifth of full scale. */
function loudness(frame: ArrayBuffer): number {
  const samples = new Int16Array(frame);
  let power = 0;
  for (const sample of samples) power += (sample / 32_768) ** 2;
  return Math.min(1, Math.sqrt(power / samples.length) * 5);
}
