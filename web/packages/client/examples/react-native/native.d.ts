/** Of React Native and two of its community's packages, the names that the example uses, with their own types. */

declare module "react-native" {
  import type { ReactElement, ReactNode } from "react";

  export type AppStateStatus = "active" | "background" | "inactive" | "unknown" | "extension";
  export const AppState: {
    readonly currentState: AppStateStatus;
    addEventListener: (type: "change", listener: (state: AppStateStatus) => void) => { remove: () => void };
  };
  export function FlatList<Item>(props: {
    data: ArrayLike<Item> | null | undefined;
    renderItem: (info: { item: Item; index: number }) => ReactElement | null;
    keyExtractor?: (item: Item, index: number) => string;
  }): ReactElement;
  export function KeyboardAvoidingView(props: { children?: ReactNode }): ReactElement;
  export function Pressable(props: { children?: ReactNode; disabled?: boolean; onPress?: () => void }): ReactElement;
  export function Text(props: { children?: ReactNode }): ReactElement;
  export function TextInput(props: {
    value?: string;
    accessibilityLabel?: string;
    onChangeText?: (text: string) => void;
    onSubmitEditing?: () => void;
  }): ReactElement;
}

declare module "@react-native-async-storage/async-storage" {
  const AsyncStorage: {
    getAllKeys: () => Promise<readonly string[]>;
    getItem: (key: string) => Promise<string | null>;
    setItem: (key: string, value: string) => Promise<void>;
    removeItem: (key: string) => Promise<void>;
  };
  export default AsyncStorage;
}

declare module "@react-native-community/netinfo" {
  const NetInfo: {
    addEventListener: (listener: (state: { isConnected: boolean | null }) => void) => () => void;
  };
  export default NetInfo;
}
