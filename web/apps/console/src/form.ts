import { reactive, ref, type Ref } from "vue";
import { explain, fieldProblem } from "./problems";

export interface Form {
  busy: Ref<boolean>;
  /** What is wrong with each field. */
  errors: Record<string, string>;
  /** What is wrong with the whole, or "". */
  problem: Ref<string>;
  /** Runs `send` once at a time; its errors are shown next to the named field, else for the whole. True when it went well. */
  submit: (send: () => Promise<void>) => Promise<boolean>;
}

export function useForm(fields: readonly string[] = []): Form {
  const busy = ref(false);
  const problem = ref("");
  const errors = reactive<Record<string, string>>({});
  const clear = (): void => {
    problem.value = "";
    for (const field of Object.keys(errors)) errors[field] = "";
  };
  const submit = async (send: () => Promise<void>): Promise<boolean> => {
    if (busy.value) return false;
    busy.value = true;
    clear();
    try {
      await send();
      return true;
    } catch (error) {
      const named = fieldProblem(error);
      const field = named && fieldOf(named.field, fields);
      if (named && field) errors[field] = named.message;
      else problem.value = explain(error);
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, errors, problem, submit };
}

/** The form's field that a place belongs to: "policy.escalations.0.words" is of "escalations". */
function fieldOf(place: string, fields: readonly string[]): string | undefined {
  const parts = place.split(".");
  const beginnings = parts.map((_, dropped) => parts.slice(0, parts.length - dropped).join("."));
  return [...beginnings, ...parts].find((each) => fields.includes(each));
}
