import { ApiError } from "@kefu/client";
import type { Problem, SuiteReport } from "../desk/flows";

/** Why a flow did not go live: what is wrong with it, or the tests that fail; null for any other error. */
export function refusalOf(error: unknown): { problems: Problem[]; report: SuiteReport | null } | null {
  if (!(error instanceof ApiError)) return null;
  if (error.code === "bad_flow")
    return { problems: (error.fields["problems"] as Problem[] | undefined) ?? [], report: null };
  if (error.code === "tests_failed")
    return { problems: [], report: (error.fields["report"] as SuiteReport | undefined) ?? null };
  return null;
}
