export interface Texts {
  open: string;
  close: string;
  unread: (count: number) => string;
  panel: string;
  failed: string;
  newTab: string;
}

export const TEXTS: Record<"en" | "zh", Texts> = {
  en: {
    open: "Open chat",
    close: "Close chat",
    unread: (count) => (count === 1 ? "1 unread message" : `${count} unread messages`),
    panel: "Customer service chat",
    failed: "The chat could not be loaded here.",
    newTab: "Open it in a new tab",
  },
  zh: {
    open: "打开客服聊天",
    close: "关闭客服聊天",
    unread: (count) => `${count} 条未读消息`,
    panel: "客服聊天",
    failed: "聊天窗口无法在此加载。",
    newTab: "在新标签页中打开",
  },
};
