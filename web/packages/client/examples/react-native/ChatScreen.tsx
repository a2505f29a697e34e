import type { Chat, Message, Readable } from "@kefu/client";
import { useState, useSyncExternalStore, type ReactElement } from "react";
import { FlatList, KeyboardAvoidingView, Pressable, Text, TextInput } from "react-native";

const NAMES = { contact: "You", assistant: "Assistant", member: "Support", system: "" };

const useCell = <T,>(cell: Readable<T>): T => useSyncExternalStore(cell.subscribe, cell.get);

export function ChatScreen({ chat }: { chat: Chat }): ReactElement {
  const [words, setWords] = useState("");
  const messages = useCell(chat.messages);
  const drafts = useCell(chat.drafts);
  const outgoing = useCell(chat.outgoing);
  const live = useCell(chat.live);

  const send = (): void => {
    if (!words.trim()) return;
    void chat.send(words); // without a network it waits in `outgoing`, even when the app is closed
    setWords("");
  };
  return (
    <KeyboardAvoidingView>
      <FlatList
        data={messages}
        keyExtractor={({ id }) => id}
        renderItem={({ item }) => <Row chat={chat} message={item} isLast={item === messages.at(-1)} />}
      />
      {[...drafts].map(([turn, text]) => (
        <Text key={turn}>{`${NAMES.assistant}: ${text}`}</Text>
      ))}
      {outgoing.map(({ key, text, state }) => (
        <Pressable key={key} disabled={state !== "failed"} onPress={() => void chat.retry(key)}>
          <Text>{`${NAMES.contact}: ${text} (${state})`}</Text>
        </Pressable>
      ))}
      {live === "offline" ? <Text>You are offline.</Text> : null}
      <TextInput
        value={words}
        accessibilityLabel="Your message"
        onChangeText={(text) => {
          setWords(text);
          chat.typing();
        }}
        onSubmitEditing={send}
      />
    </KeyboardAvoidingView>
  );
}

function Row({ chat, message, isLast }: { chat: Chat; message: Message; isLast: boolean }): ReactElement {
  const { author, author_name: name, text, answer } = message;
  return (
    <>
      <Text>{`${name ?? NAMES[author]}: ${text}`}</Text>
      {isLast
        ? answer?.quick_replies.map((label, at) => {
            const pressed = answer.quick_reply_values[at];
            return (
              <Pressable key={label} onPress={() => void chat.send(label, pressed === undefined ? {} : { pressed })}>
                <Text>{label}</Text>
              </Pressable>
            );
          })
        : null}
    </>
  );
}
