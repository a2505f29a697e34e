import { createElement, Fragment, type ReactElement, type ReactNode } from "react";

/** A phone for tests: what the example imports of React Native, its storage and its network, as plain objects. */

type State = "active" | "background";

class Phone {
  state: State = "active";
  readonly stored = new Map<string, string>();
  readonly listeners = new Set<() => void>();
  private readonly networks = new Set<(state: { isConnected: boolean | null }) => void>();

  turn(state: State): void {
    this.state = state;
    for (const listener of [...this.listeners]) listener();
  }

  connect(isConnected: boolean): void {
    for (const heard of [...this.networks]) heard({ isConnected });
  }

  readonly watchNetwork = (heard: (state: { isConnected: boolean | null }) => void) => {
    this.networks.add(heard);
    heard({ isConnected: null });
    return () => this.networks.delete(heard);
  };

  get watched(): number {
    return this.listeners.size + this.networks.size;
  }
}

export const phone = new Phone();

export const AppState = {
  get currentState(): State {
    return phone.state;
  },
  addEventListener: (_type: "change", listener: () => void) => {
    phone.listeners.add(listener);
    return { remove: () => phone.listeners.delete(listener) };
  },
};

export const [KeyboardAvoidingView, Pressable, Text, TextInput] = ["View", "Pressable", "Text", "TextInput"];

export function FlatList<Item>(props: {
  data: readonly Item[];
  renderItem: (info: { item: Item }) => ReactNode;
  keyExtractor: (item: Item) => string;
}): ReactElement {
  const rows = props.data.map((item) =>
    createElement(Fragment, { key: props.keyExtractor(item) }, props.renderItem({ item })),
  );
  return createElement("List", {}, rows);
}

/** One module stands for three: both default exports are of the phone. */
export default {
  getAllKeys: () => Promise.resolve([...phone.stored.keys()]),
  getItem: (key: string) => Promise.resolve(phone.stored.get(key) ?? null),
  setItem: (key: string, value: string) => Promise.resolve(void phone.stored.set(key, value)),
  removeItem: (key: string) => Promise.resolve(void phone.stored.delete(key)),
  addEventListener: phone.watchNetwork,
};
