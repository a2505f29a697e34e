/**
 * A new Idempotency-Key: 128 random bits in hex. (`crypto.randomUUID` exists only on https pages.)
 *
 * React Native's engine has no `crypto`. A key is no secret: it only has to be another one than this customer's others.
 */
export function newKey(): string {
  const bytes = new Uint8Array(16);
  if (typeof crypto === "undefined") bytes.forEach((_, i) => (bytes[i] = Math.random() * 256));
  else crypto.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
