import { createI18n, type I18n, type Language } from "@kefu/ui";

const en = {
  label: "Call",
  connecting: "Connecting…",
  listening: "Speak now; you can interrupt at any time",
  hearing: "Listening…",
  playing: "Answering…",
  ringing: "Calling a colleague…",
  joined: "You are speaking with {name}",
  "joined.unnamed": "You are speaking with a colleague",
  broken: "The connection is away. Trying to come back…",
  you: "You:",
  mute: "Mute",
  unmute: "Unmute",
  hang_up: "Hang up",
  close: "Close",
  again: "Call again",
  "ended.hung_up": "The call has ended.",
  "ended.limit": "The call has reached its longest time.",
  "ended.lost": "The call was cut off. What was said is in the chat.",
  "ended.microphone": "The microphone cannot be used here.",
  "ended.busy": "All lines are taken. Please try again in a moment, or write.",
  "ended.other": "Calls are not possible now. Please write.",
};

const zh: typeof en = {
  label: "通话",
  connecting: "正在接通…",
  listening: "请说话，可以随时打断",
  hearing: "正在听…",
  playing: "正在回答…",
  ringing: "正在呼叫客服人员…",
  joined: "正在与 {name} 通话",
  "joined.unnamed": "正在与客服人员通话",
  broken: "连接中断，正在恢复…",
  you: "您：",
  mute: "静音",
  unmute: "取消静音",
  hang_up: "挂断",
  close: "关闭",
  again: "再次呼叫",
  "ended.hung_up": "通话已结束。",
  "ended.limit": "通话已达最长时间。",
  "ended.lost": "通话中断。说过的内容都在聊天记录里。",
  "ended.microphone": "无法使用麦克风。",
  "ended.busy": "线路繁忙，请稍后再试，或直接输入文字。",
  "ended.other": "目前无法通话，请输入文字。",
};

export type CallText = keyof typeof en;

/** The panel's own words, loaded with it, in the chat's language. */
export const callTexts = (language: Language): I18n<CallText> => createI18n(en, zh, language);
