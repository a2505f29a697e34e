import type { company as en } from "../en/company";
export const company: Record<keyof typeof en, string> = {};
