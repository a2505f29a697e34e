import type { PlugInField } from "../desk/types";

type Values = Record<string, string | boolean>;

/** What a form begins with: what is set, else the defaults. Secrets are never shown, so they begin empty. */
export function begun(fields: readonly PlugInField[], known: Values | null): Values {
  return Object.fromEntries(
    fields.map((field) => [field.key, field.kind === "secret" ? "" : (known?.[field.key] ?? field.default)]),
  );
}

/** What is sent of a form: without secrets that were left empty, which stay as they are or are made up. */
export function given(fields: readonly PlugInField[], values: Values): Values {
  const kept = fields.filter((field) => field.kind !== "secret" || values[field.key] !== "");
  return Object.fromEntries(kept.map((field) => [field.key, values[field.key] ?? ""]));
}
