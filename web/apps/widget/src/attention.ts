import type { Channel, Message, Store } from "@kefu/client";
import { computed, ref, watch, type ShallowRef } from "vue";
import { Beeper } from "@kefu/ui";

const READ = "read";
const MUTED = "muted";

/** Whether the customer is looking, what they have not seen, and the sound that calls them. */
export class Attention {
  /** The panel is open (always, on the full page). */
  readonly panelVisible = ref(false);
  readonly pageVisible = ref(document.visibilityState === "visible");
  readonly attending = computed(() => this.panelVisible.value && this.pageVisible.value);
  readonly muted = computed(() => this.chosenMuted.value ?? this.channel.value?.settings.sound === false);
  readonly unread = computed(() => this.messages.value.filter((message) => this.isUnread(message)).length);
  private readonly chosenMuted = ref<boolean | null>(null);
  private readonly readUpTo = ref(0);
  private conversation = "";
  private readonly beeper = new Beeper();

  constructor(
    private readonly drawer: Store,
    private readonly messages: Readonly<ShallowRef<readonly Message[]>>,
    private readonly channel: Readonly<ShallowRef<Channel | null>>,
  ) {
    this.readChoices();
    document.addEventListener("visibilitychange", () => {
      this.pageVisible.value = document.visibilityState === "visible";
    });
    watch([this.attending, messages], () => {
      this.readIfAttending();
    });
  }

  readChoices(): void {
    const chosen = this.drawer.get(MUTED);
    this.chosenMuted.value = chosen === null ? null : chosen === "1";
  }

  /** At the start of a conversation: takes up what was read in earlier visits. */
  follow(conversation: string): void {
    if (conversation === this.conversation) return;
    const [id, sequence] = (this.drawer.get(READ) ?? "").split(" ");
    this.readUpTo.value = id === conversation ? Number(sequence) || 0 : 0;
    this.conversation = conversation;
  }

  /** A message came while the conversation was on screen or not. */
  notice(message: Message): void {
    if (!isFromSomebody(message) || this.muted.value) return;
    if (!this.attending.value || !document.hasFocus()) this.beeper.beep();
  }

  toggleMuted(): void {
    this.chosenMuted.value = !this.muted.value;
    this.drawer.set(MUTED, this.muted.value ? "1" : "0");
    if (!this.muted.value) this.beeper.beep();
  }

  private isUnread(message: Message): boolean {
    return isFromSomebody(message) && message.sequence > this.readUpTo.value;
  }

  private readIfAttending(): void {
    const last = this.messages.value.at(-1)?.sequence ?? 0;
    if (!this.attending.value || last <= this.readUpTo.value) return;
    this.readUpTo.value = last;
    this.drawer.set(READ, `${this.conversation} ${last}`);
  }
}

/** Somebody says something; the system only notes what happened. */
const isFromSomebody = ({ author }: Message): boolean => author === "assistant" || author === "member";
