import { ApiError } from "@kefu/client";
import { reasonFor } from "./confirm";
import { refusalOf } from "./flows/refusal";
import { explain } from "./problems";
import { may } from "./session";
import { t } from "./texts";

/** How an admin goes past tests that fail; the audit trail keeps the reason. */
export interface PastTests {
  override: true;
  reason: string;
}

/** More failing tests than this are not named: the tests' own page shows all of them. */
const NAMED = 6;

/** Sends; where the workspace's tests refuse it, an admin may say why it shall be done all the same. */
export async function pastTests<T>(send: (past?: PastTests) => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "tests_failed") throw error;
    const names = failing(error);
    if (!may("admin")) throw naming(error, names);
    const reason = await reasonFor(
      t("tests.past"),
      explain(error),
      t("tests.past.action"),
      t("tests.past.reason"),
      names,
    );
    if (reason === null) throw naming(error, names);
    return send({ override: true, reason });
  }
}

/** The tests that fail, each once, with their files. */
export function failing(error: unknown): string[] {
  const failures = refusalOf(error)?.report?.failures ?? [];
  const names = [...new Set(failures.map(({ file, test }) => `${file}: ${test}`))];
  return names.length > NAMED ? [...names.slice(0, NAMED), "…"] : names;
}

/** The same refusal, with the names of the tests in what members are told. */
function naming(error: ApiError, names: readonly string[]): ApiError {
  return new ApiError(error.status, error.code, [explain(error), ...names].join("\n"), error.fields);
}
