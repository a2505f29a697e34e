import type { knowledge as en } from "../en/knowledge";
export const knowledge: Record<keyof typeof en, string> = {};
