import appointment from "./templates/appointment.yaml?raw";
import complaint from "./templates/complaint.yaml?raw";
import empty from "./templates/empty.yaml?raw";
import order from "./templates/order.yaml?raw";

/** Flows to begin with; each is whole and can be tried at once. */
export const TEMPLATES = { appointment, complaint, order, empty } as const;
export type Template = keyof typeof TEMPLATES;

/** A template under a name of its own. */
export const begun = (template: Template, id: string): string => TEMPLATES[template].replace(/^id: .*$/m, `id: ${id}`);

/** An id from whatever somebody calls their flow, unlike those that are taken. */
export function idFor(name: string, template: Template, taken: readonly string[]): string {
  const base =
    name
      .trim()
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "")
      .slice(0, 40) || template;
  let id = base;
  for (let number = 2; taken.includes(id); number++) id = `${base}_${number}`;
  return id;
}
