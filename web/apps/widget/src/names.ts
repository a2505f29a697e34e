import type { Channel, Message } from "@kefu/client";
import type { I18n } from "@kefu/ui";
import type { TextKey } from "./texts";

/** How the author of a message is called on screen. */
export function authorName(
  message: Pick<Message, "author" | "author_name">,
  channel: Channel | null,
  t: I18n<TextKey>["t"],
): string {
  switch (message.author) {
    case "contact":
      return t("you");
    case "assistant":
      return message.author_name ?? channel?.settings.assistant_name ?? t("assistant");
    case "member":
      return message.author_name ?? t("team");
    case "system":
      return channel?.title ?? t("team");
  }
}
