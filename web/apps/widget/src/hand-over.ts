import { ref } from "vue";
import { useChat } from "./context";

/** Asking for a person, with what the button needs to show meanwhile. */
export function useHandOver() {
  const chat = useChat();
  const busy = ref(false);
  const failed = ref(false);

  async function ask(): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    failed.value = false;
    try {
      await chat.handOver();
    } catch {
      failed.value = true;
    } finally {
      busy.value = false;
    }
  }

  return { ask, busy, failed };
}
