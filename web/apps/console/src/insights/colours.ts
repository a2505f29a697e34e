/** The present theme's colours, which a canvas cannot take from style sheets itself. */
export interface Colours {
  font: string;
  ink: string;
  ink2: string;
  line: string;
  surface: string;
  surface2: string;
  /** For series, in this order. */
  series: string[];
}

export function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    font: read("--font"),
    ink: read("--ink"),
    ink2: read("--ink-2"),
    line: read("--line"),
    surface: read("--surface"),
    surface2: read("--surface-2"),
    series: [read("--brand-ink"), read("--line-strong"), read("--success"), read("--warning-ink")],
  };
}
