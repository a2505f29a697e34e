/** Days and time zones as people choose them. */
import { locale } from "./texts";

/** Monday first, as reports number weekdays. */
export const weekdays = (style: "short" | "long" = "short"): string[] =>
  Array.from({ length: 7 }, (_, day) =>
    // 2024-01-01 was a Monday.
    new Intl.DateTimeFormat(locale(), { weekday: style, timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + day)),
  );

/** Every time zone that the browser knows, and `also` where it does not. */
export const timeZones = (also = ""): { value: string; label: string }[] =>
  [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone"), also])]
    .filter(Boolean)
    .map((value) => ({ value, label: value.replaceAll("_", " ") }));
