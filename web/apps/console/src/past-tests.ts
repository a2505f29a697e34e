import { ApiError } from "@kefu/client";
import { reasonFor } from "./confirm";
import { may } from "./session";
import { t } from "./texts";

/** How an admin goes past tests that fail; the audit trail keeps the reason. */
export interface PastTests {
  override: true;
  reason: string;
}

/** Sends; where the workspace's tests refuse it, an admin may say why it shall be done all the same. */
export async function pastTests<T>(send: (past?: PastTests) => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "tests_failed" || !may("admin")) throw error;
    const reason = await reasonFor(t("tests.past"), error.message, t("tests.past.action"), t("tests.past.reason"));
    if (reason === null) throw error;
    return send({ override: true, reason });
  }
}
