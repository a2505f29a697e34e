import AsyncStorage from "@react-native-async-storage/async-storage";
import NetInfo from "@react-native-community/netinfo";
import { createChat, openStore, type Chat, type Identity, type Surroundings } from "@kefu/client";
import { AppState } from "react-native";

/** What the client is told of the phone: its socket comes back the moment the network, or the customer, does. */
export function phone(): Surroundings {
  let online = true;
  return {
    isOnline: () => online,
    isActive: () => AppState.currentState === "active",
    watch: (changed) => {
      const stop = NetInfo.addEventListener(({ isConnected }) => {
        online = isConnected !== false; // null: not known yet
        changed();
      });
      const state = AppState.addEventListener("change", changed);
      return () => {
        stop();
        state.remove();
      };
    },
  };
}

/** The customer's chat, with what an earlier start of the app left of it. `identity` is made by your own server. */
export async function openChat(server: string, channel: string, identity?: Identity): Promise<Chat> {
  const store = await openStore(AsyncStorage, channel);
  const chat = createChat({ server, channel, store, surroundings: phone(), ...(identity ? { identity } : {}) });
  await chat.start();
  return chat;
}

/** A voice message: `uri` is where your recorder (expo-audio, for one) has put it. The answer comes in words and sound. */
export const sendRecording = (chat: Chat, uri: string): Promise<void> =>
  chat.send("", { files: [{ uri, name: "voice.m4a", type: "audio/mp4" }] });
