import "@kefu/ui/tokens.css";
import "./call/call.css";
import "./page.css";
import { connectToHost, Port, type FrameMessages, type HostMessages } from "@kefu/bridge";
import { languageOf } from "@kefu/ui";
import { createApp, watch, watchEffect } from "vue";
import App from "./App.vue";
import { followTheme } from "./appearance";
import { Chat, type ChatSignal } from "./chat";
import { CHAT, TEXTS } from "./context";
import { readPlace, type Place } from "./place";
import { createTexts } from "./texts";

function start(place: Place): void {
  const port = new Port<HostMessages, FrameMessages>({
    visible: ({ visible }) => {
      chat.attention.panelVisible.value = visible;
      if (visible) void chat.start();
    },
    kept: ({ values }) => {
      chat.remember(values);
      startIfReturning();
    },
    identify: ({ identity }) => {
      chat.identify(identity);
    },
    attributes: ({ attributes }) => {
      chat.setAttributes(attributes);
    },
    forget: () => {
      chat.forget();
    },
  });
  const chat = new Chat({
    channel: place.channel,
    origin: location.origin,
    onSignal: (signal: ChatSignal) => {
      port.send("event", signal as FrameMessages["event"]);
    },
    onForbidden: (values) => {
      port.send("keep", { values });
    },
  });
  /** So that the bubble can say what came meanwhile. */
  const startIfReturning = (): void => {
    if (chat.isReturning) void chat.start();
  };
  const texts = createTexts(place.language ?? "en");

  watchEffect(() => {
    const ofChannel = languageOf(chat.channel.value?.settings.language);
    texts.language.value = place.language ?? ofChannel ?? "en";
    document.documentElement.lang = texts.language.value === "zh" ? "zh-CN" : "en";
  });
  document.documentElement.dataset["mode"] = place.mode;
  followTheme(place.theme, chat.channel);
  watch(chat.attention.unread, (count) => {
    port.send("unread", { count });
  });
  watch(chat.channel, (channel) => {
    if (channel) port.send("ready", { title: channel.title || channel.name, color: channel.settings.color ?? null });
  });
  watch([chat.channel, chat.attention.unread, texts.language], ([channel, count]) => {
    const title = channel?.title || channel?.name || texts.t("chat");
    document.title = count ? texts.t("unread.title", { count, title }) : title;
  });

  createApp(App, {
    mode: place.mode,
    onClose: () => {
      port.send("close", {});
    },
  })
    .provide(CHAT, chat)
    .provide(TEXTS, texts)
    .mount("#app");

  if (place.host) {
    connectToHost(window.parent, place.host, port);
    startIfReturning();
  } else {
    chat.attention.panelVisible.value = true;
    void chat.start();
  }
}

const place = readPlace(new URL(location.href), navigator.languages);
if (place) start(place);
