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
    failed: "The chat cannot be shown on this page at the moment.",
    newTab: "Open it in a new tab",
  },
  zh: {
    open: "打开客服聊天",
    close: "关闭客服聊天",
    unread: (count) => `${count} 条未读消息`,
    panel: "客服聊天",
    failed: "目前无法在此网页上显示聊天窗口。",
    newTab: "在新标签页中打开",
  },
};
