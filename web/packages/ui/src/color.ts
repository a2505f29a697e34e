/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** A company's colour made fit to read in one scheme. */
export interface BrandColors {
  /** Behind text: buttons, the customer's own messages. */
  fill: string;
  /** Text on `fill`. */
  onFill: string;
  /** Text and icons on the page's own background. */
  ink: string;
}

/** Text of ordinary size needs this ratio to its background (WCAG 2.2, 1.4.3). */
const READABLE = 4.5;
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [12, 14, 20];
/** The lightest and darkest backgrounds that brand-coloured text stands on: see tokens.css, --surface-2. */
const PAGE = { light: [241, 243, 246], dark: [37, 40, 47] } as const satisfies Record<string, Rgb>;

/** Makes a brand colour readable in a scheme; its hue stays, its lightness moves only as far as it must. */
export function brandColors(brand: Rgb, scheme: "light" | "dark"): BrandColors {
  const onFill = contrast(brand, WHITE) >= contrast(brand, BLACK) ? WHITE : BLACK;
  const fill = readableOn(brand, onFill, onFill === WHITE ? BLACK : WHITE);
  const ink = readableOn(brand, PAGE[scheme], scheme === "light" ? BLACK : WHITE);
  return { fill: hex(fill), onFill: hex(onFill), ink: hex(ink) };
}

/** "#rgb" or "#rrggbb"; null for anything else. */
export function parseColor(text: string | null | undefined): Rgb | null {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text ?? "")?.[1];
  if (!digits) return null;
  const full = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
  const value = parseInt(full, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance). */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function readableOn(color: Rgb, background: Rgb, toward: Rgb): Rgb {
  let mixed = color;
  for (let step = 1; contrast(mixed, background) < READABLE && step <= 20; step++)
    mixed = mix(color, toward, step / 20);
  return mixed;
}

function luminance(color: Rgb): number {
  const [r, g, b] = color.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const mix = (from: Rgb, to: Rgb, share: number): Rgb =>
  from.map((value, i) => Math.round(value + ((to[i] as number) - value) * share)) as unknown as Rgb;

const hex = (color: Rgb): string => `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
