/** Two soft notes, made here: no file to load. Browsers allow sound only after the customer touched the page. */
export class Beeper {
  private context: AudioContext | null = null;

  constructor() {
    const unlock = (): void => {
      if ("AudioContext" in window) this.context ??= new AudioContext();
    };
    for (const event of ["pointerdown", "keydown"]) window.addEventListener(event, unlock, { once: true });
  }

  beep(): void {
    const { context } = this;
    if (!context) return;
    // A fifth, D5 and A5: heard without being an alarm.
    this.note(context, 587.33, context.currentTime);
    this.note(context, 880, context.currentTime + 0.12);
  }

  private note(context: AudioContext, frequency: number, start: number): void {
    const oscillator = new OscillatorNode(context, { type: "sine", frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.08, start + 0.015);
    gain.gain.exponentialRampToValueAtTime(0.001, start + 0.3);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(start);
    oscillator.stop(start + 0.32);
  }
}
