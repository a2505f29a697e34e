import { shallowRef } from "vue";
import { people } from "../desk/api";
import { named } from "../texts";

const names = shallowRef<ReadonlyMap<string, string>>(new Map());
let asked: Promise<void> | null = null;

/** The name of who made something: a member's, else the words that the server keeps. */
export function who(made: string): string {
  asked ??= people.members().then(
    ({ members }) => {
      names.value = new Map(members.map(({ id, name, email }) => [id, name || email]));
    },
    () => undefined, // the id is shown then
  );
  return names.value.get(made) ?? named("maker", made);
}
