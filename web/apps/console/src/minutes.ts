/** Seconds as a field of minutes shows them; 0 means "never", so that what is less than a minute is one. */
export const minutesOf = (seconds: number): number => (seconds > 0 ? Math.max(1, Math.round(seconds / 60)) : 0);

/** What a field of minutes says, in seconds; as it was before where nobody has changed the field. */
export const secondsOf = (minutes: number, before: number): number =>
  minutes === minutesOf(before) ? before : Math.round(minutes * 60);
