import { ref } from "vue";
import { inbox } from "../desk/api";
import type { Conversation } from "../desk/types";
import { ownerOf } from "../problems";
import { t } from "../texts";
import { complain, say } from "../toasts";

export type Move = "take" | "give-back" | "resolve" | "reopen";

/** Moves a conversation between assistant, members and done: one move at a time; who lost a race hears who has it. */
export function useMoves(onMoved: (conversation: Conversation) => void, onLost: () => void) {
  const busy = ref(false);
  const run = async (send: () => Promise<Conversation>): Promise<boolean> => {
    if (busy.value) return false;
    busy.value = true;
    try {
      onMoved(await send());
      return true;
    } catch (error) {
      const owner = ownerOf(error);
      if (owner) say(t("thread.has", { name: owner }), "problem");
      else complain(error);
      onLost();
      return false;
    } finally {
      busy.value = false;
    }
  };
  const move = (id: string, how: Move): Promise<boolean> => run(() => inbox.move(id, how));
  const assign = (id: string, member: string | null): Promise<boolean> => run(() => inbox.assign(id, member));
  return { busy, move, assign, run };
}
