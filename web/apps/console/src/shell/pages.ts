import {
  BookOpen,
  BrainCircuit,
  ChartColumn,
  Contact,
  House,
  Inbox,
  KeyRound,
  MessageSquareQuote,
  MessagesSquare,
  ScrollText,
  Settings,
  Sparkles,
  Split,
  Users,
  Webhook,
  Workflow,
} from "@lucide/vue";
import type { Component } from "vue";
import type { Role } from "../desk/types";
import { may } from "../session";
import type { TextKey } from "../texts";

export interface Page {
  name: string;
  /** Route names that belong under this entry. */
  also?: readonly string[];
  text: TextKey;
  icon: Component;
  role: Role;
}

const WORK: readonly Page[] = [
  { name: "home", text: "nav.home", icon: House, role: "viewer" },
  { name: "inbox", text: "nav.inbox", icon: Inbox, role: "viewer" },
  { name: "contacts", also: ["contact"], text: "nav.contacts", icon: Contact, role: "agent" },
  { name: "knowledge", also: ["document"], text: "nav.knowledge", icon: BookOpen, role: "viewer" },
  { name: "assistant", text: "nav.assistant", icon: Sparkles, role: "viewer" },
  { name: "flows", also: ["flow", "tool"], text: "nav.flows", icon: Workflow, role: "viewer" },
  { name: "models", also: ["model", "dataset", "run"], text: "nav.models", icon: BrainCircuit, role: "viewer" },
  { name: "insights", also: ["reports"], text: "nav.insights", icon: ChartColumn, role: "viewer" },
];

const COMPANY: readonly Page[] = [
  { name: "channels", also: ["channel"], text: "nav.channels", icon: MessagesSquare, role: "viewer" },
  { name: "members", text: "nav.members", icon: Users, role: "viewer" },
  { name: "routing", text: "nav.routing", icon: Split, role: "viewer" },
  { name: "replies", text: "nav.replies", icon: MessageSquareQuote, role: "agent" },
  { name: "keys", text: "nav.keys", icon: KeyRound, role: "admin" },
  { name: "webhooks", text: "nav.webhooks", icon: Webhook, role: "admin" },
  { name: "settings", text: "nav.settings", icon: Settings, role: "admin" },
  { name: "audit", text: "nav.audit", icon: ScrollText, role: "admin" },
];

/** The pages that the signed-in member may use: daily work, and the company's own affairs. */
export const workPages = (): Page[] => WORK.filter(({ role }) => may(role));
export const companyPages = (): Page[] => COMPANY.filter(({ role }) => may(role));
