/**
 * Generator references: "openai:MODEL" at a server; "path:FILE.gguf", "hub:OWNER/NAME", "package:NAME" run here, and so
 * does "version:ID", a version of the workspace's own.
 */

const ENGINE_OF: Readonly<Record<string, string>> = {
  openai: "openai_compat",
  scripted: "scripted",
  path: "llamacpp",
  version: "llamacpp",
  hub: "llamacpp",
  package: "llamacpp",
};

export const engineOf = (reference: string): string => ENGINE_OF[reference.split(":")[0] ?? ""] ?? "";

export const isOwn = (reference: string): boolean => reference.startsWith("version:");

const ENCODER_OF: Readonly<Record<string, string>> = {
  openai: "openai_compat_encoder",
  scripted: "scripted_encoder",
  path: "onnx",
  hub: "onnx",
  package: "onnx",
};

export const encoderOf = (reference: string): string => ENCODER_OF[reference.split(":")[0] ?? ""] ?? "";

/** The prefix that an engine's references always have; engines without one take whole references. */
export const prefixOf = (engine: string): string =>
  engine.startsWith("openai_compat") ? "openai:" : engine.startsWith("scripted") ? "scripted:" : "";

/** What a member typed as an option: numbers and JSON as what they are. */
export function optionValue(text: string): unknown {
  const trimmed = text.trim();
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^[[{]/.test(trimmed)) return trimmed;
  try {
    return JSON.parse(trimmed) as unknown;
  } catch {
    return trimmed; // the server says what is wrong with it
  }
}

export const optionText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** The options that nearly everybody sets; the rest stay folded away. */
export const COMMON: ReadonlySet<string> = new Set(["base_url", "model", "api_key", "threads", "context"]);

export const isSecret = (name: string): boolean => /key|secret|password/i.test(name);
