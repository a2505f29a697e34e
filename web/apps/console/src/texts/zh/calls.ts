import type { calls as en } from "../en/calls";

export const calls: Record<keyof typeof en, string> = {
  "channel.calls": "语音通话",
  "channel.calls.hint": "客户可以在聊天窗口中呼叫，先由智能助手接听。未安装语音组件时不会显示。",
  "calls.label": "通话",
  "calls.ringing": "{name} 来电",
  "calls.customer": "客户",
  "calls.answer": "接听",
  "calls.open": "打开会话",
  "calls.connecting": "正在接通…",
  "calls.with": "正在与 {name} 通话",
  "calls.broken": "连接中断，正在恢复…",
  "calls.mute": "静音",
  "calls.unmute": "取消静音",
  "calls.hang_up": "挂断",
  "calls.you": "您：",
  "calls.over.microphone": "无法使用麦克风。",
  "calls.over.conflict": "同事已接听，或通话已结束。",
  "calls.over.other": "通话已结束。",
  "calls.unheard": "客户在此处打断，之后的内容没有听到。",
};
