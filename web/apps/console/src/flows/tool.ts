import { parse, stringify } from "yaml";
import type { Credentials, ToolDefinition } from "../desk/flows";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] as const;
export const CREDENTIALS = ["none", "bearer", "basic", "header", "query"] as const;

/** A tool as its form holds it: structured parts as the YAML that people write. */
export interface ToolDraft {
  name: string;
  description: string;
  method: string;
  url: string;
  /** As its field holds it: a number once it was typed in, empty when it was emptied. */
  timeout: string | number;
  retries: string | number;
  idempotency: string;
  hosts: readonly string[];
  parameters: string;
  query: string;
  headers: string;
  body: string;
  outputs: string;
  samples: string;
}

/** The fields that are YAML, with the name that the definition gives them. */
export const YAML_FIELDS = ["parameters", "query", "headers", "body", "outputs", "samples"] as const;
type YamlField = (typeof YAML_FIELDS)[number];

export const FRESH: ToolDefinition = { name: "", url: "", method: "GET" };

export function draftOf(tool: ToolDefinition): ToolDraft {
  const yaml = (field: YamlField): string => {
    const value = tool[field];
    const isEmpty = value === undefined || value === null || (typeof value === "object" && !Object.keys(value).length);
    return isEmpty ? "" : stringify(value, { lineWidth: 0 });
  };
  return {
    name: tool.name,
    description: tool.description ?? "",
    method: tool.method ?? "GET",
    url: tool.url,
    timeout: String(tool.timeout_seconds ?? 10),
    retries: String(tool.retries ?? 0),
    idempotency: tool.idempotency_header ?? "",
    hosts: tool.allowed_hosts ?? [],
    parameters: yaml("parameters"),
    query: yaml("query"),
    headers: yaml("headers"),
    body: yaml("body"),
    outputs: yaml("outputs"),
    samples: yaml("samples"),
  };
}

/** The definition that a form describes; what it leaves empty is left out. `errors` names YAML that cannot be read. */
export function definitionOf(draft: ToolDraft): { definition: ToolDefinition; errors: Record<string, string> } {
  const errors: Record<string, string> = {};
  const read: Partial<Record<YamlField, unknown>> = {};
  for (const field of YAML_FIELDS) {
    try {
      const value = draft[field].trim() ? (parse(draft[field]) as unknown) : undefined;
      if (value !== undefined && value !== null) read[field] = value;
    } catch (error) {
      errors[field] = (error as Error).message.split("\n")[0] ?? "";
    }
  }
  const definition = {
    name: draft.name.trim(),
    ...(draft.description.trim() ? { description: draft.description.trim() } : {}),
    method: draft.method,
    url: draft.url.trim(),
    ...(String(draft.timeout).trim() ? { timeout_seconds: Number(draft.timeout) } : {}),
    ...(String(draft.retries).trim() ? { retries: Number(draft.retries) } : {}),
    ...(draft.idempotency.trim() ? { idempotency_header: draft.idempotency.trim() } : {}),
    ...(draft.hosts.length ? { allowed_hosts: [...draft.hosts] } : {}),
    ...read,
  } as ToolDefinition;
  return { definition, errors };
}

/** What a tool wants to be told: its parameters, and each {place} of its address. */
export function argumentsOf({ url, parameters }: ToolDefinition): string[] {
  const places = [...url.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  return [...new Set([...Object.keys(parameters ?? {}), ...places])];
}

export interface Secret {
  kind: (typeof CREDENTIALS)[number] | "";
  name: string;
  value: string;
}

/** Credentials as they are sent; undefined keeps those that are stored. */
export function credentialsOf({ kind, name, value }: Secret): Credentials | undefined {
  switch (kind) {
    case "":
      return undefined;
    case "none":
      return { kind };
    case "bearer":
      return { kind, token: value };
    case "basic":
      return { kind, user: name, password: value };
    case "header":
    case "query":
      return { kind, name, value };
  }
}
