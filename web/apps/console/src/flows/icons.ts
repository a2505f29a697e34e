import {
  CircleHelp,
  CornerUpLeft,
  Flag,
  GitFork,
  Headset,
  ListTree,
  MessageSquare,
  PencilLine,
  Plug,
  Repeat,
  Star,
  Workflow,
} from "@lucide/vue";
import type { Component } from "vue";
import type { Kind } from "./steps";

export const ICONS: Readonly<Record<Kind, Component>> = {
  say: MessageSquare,
  ask: CircleHelp,
  choose: ListTree,
  call: Plug,
  set: PencilLine,
  if: GitFork,
  repeat: Repeat,
  goto: CornerUpLeft,
  call_flow: Workflow,
  hand_over: Headset,
  rate: Star,
  end: Flag,
};
