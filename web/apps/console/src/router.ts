import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import { session as api } from "./desk/api";
import type { Role } from "./desk/types";
import { enter, may, ready } from "./session";
import type { TextKey } from "./texts";

declare module "vue-router" {
  interface RouteMeta {
    title: TextKey;
    /** Opens without a session, and without the frame of the console. */
    bare?: boolean;
    /** The least role that the page is for. */
    role?: Role;
    /** Fills the window instead of scrolling as one page. */
    fills?: boolean;
  }
}

const routes: RouteRecordRaw[] = [
  {
    path: "/login",
    name: "login",
    component: () => import("./pages/LogIn.vue"),
    meta: { title: "login.title", bare: true },
  },
  {
    path: "/invitation/:token",
    name: "invitation",
    component: () => import("./pages/Invitation.vue"),
    props: true,
    meta: { title: "invitation.title", bare: true },
  },
  {
    path: "/password",
    name: "password",
    component: () => import("./pages/Password.vue"),
    meta: { title: "password.title", bare: true },
  },
  {
    path: "/needs",
    name: "needs",
    component: () => import("./pages/Needs.vue"),
    meta: { title: "needs.second_factor.title", bare: true },
  },
  {
    path: "/contacts",
    name: "contacts",
    component: () => import("./pages/Contacts.vue"),
    meta: { title: "nav.contacts", role: "agent" },
  },
  {
    path: "/contacts/:id",
    name: "contact",
    component: () => import("./pages/Contact.vue"),
    props: true,
    meta: { title: "nav.contacts", role: "agent" },
  },
  { path: "/", name: "home", component: () => import("./pages/Home.vue"), meta: { title: "nav.home" } },
  {
    path: "/inbox/:id?",
    name: "inbox",
    component: () => import("./pages/Inbox.vue"),
    props: true,
    meta: { title: "nav.inbox", fills: true },
  },
  {
    path: "/knowledge",
    name: "knowledge",
    component: () => import("./pages/Knowledge.vue"),
    meta: { title: "nav.knowledge" },
  },
  {
    path: "/knowledge/documents/:id",
    name: "document",
    component: () => import("./pages/Document.vue"),
    props: true,
    meta: { title: "nav.knowledge" },
  },
  {
    path: "/assistant",
    name: "assistant",
    component: () => import("./pages/Assistant.vue"),
    meta: { title: "nav.assistant" },
  },
  { path: "/flows", name: "flows", component: () => import("./pages/Flows.vue"), meta: { title: "nav.flows" } },
  {
    path: "/flows/tools/:id",
    name: "tool",
    component: () => import("./pages/Tool.vue"),
    props: true,
    meta: { title: "nav.flows" },
  },
  {
    path: "/flows/:id",
    name: "flow",
    component: () => import("./pages/Flow.vue"),
    props: true,
    meta: { title: "nav.flows", fills: true },
  },
  { path: "/models", name: "models", component: () => import("./pages/Models.vue"), meta: { title: "nav.models" } },
  {
    path: "/models/data/:id",
    name: "dataset",
    component: () => import("./pages/Dataset.vue"),
    props: true,
    meta: { title: "nav.models" },
  },
  {
    path: "/models/runs/:id",
    name: "run",
    component: () => import("./pages/Run.vue"),
    props: true,
    meta: { title: "nav.models" },
  },
  {
    path: "/models/:id",
    name: "model",
    component: () => import("./pages/Model.vue"),
    props: true,
    meta: { title: "nav.models" },
  },
  {
    path: "/insights",
    name: "insights",
    component: () => import("./pages/Insights.vue"),
    meta: { title: "nav.insights" },
  },
  {
    path: "/insights/reports",
    name: "reports",
    component: () => import("./pages/Reports.vue"),
    meta: { title: "reports.title" },
  },
  {
    path: "/channels",
    name: "channels",
    component: () => import("./pages/Channels.vue"),
    meta: { title: "nav.channels" },
  },
  {
    path: "/channels/:id",
    name: "channel",
    component: () => import("./pages/Channel.vue"),
    props: true,
    meta: { title: "nav.channels" },
  },
  { path: "/members", name: "members", component: () => import("./pages/Members.vue"), meta: { title: "nav.members" } },
  {
    path: "/keys",
    name: "keys",
    component: () => import("./pages/Keys.vue"),
    meta: { title: "nav.keys", role: "admin" },
  },
  {
    path: "/replies",
    name: "replies",
    component: () => import("./pages/Replies.vue"),
    meta: { title: "nav.replies", role: "agent" },
  },
  {
    path: "/settings/routing",
    name: "routing",
    component: () => import("./pages/Routing.vue"),
    meta: { title: "nav.routing" },
  },
  {
    path: "/settings/webhooks",
    name: "webhooks",
    component: () => import("./pages/Webhooks.vue"),
    meta: { title: "nav.webhooks", role: "admin" },
  },
  {
    path: "/settings",
    name: "settings",
    component: () => import("./pages/Settings.vue"),
    meta: { title: "nav.settings", role: "admin" },
  },
  {
    path: "/audit",
    name: "audit",
    component: () => import("./pages/Audit.vue"),
    meta: { title: "nav.audit", role: "admin" },
  },
  { path: "/account", name: "account", component: () => import("./pages/Account.vue"), meta: { title: "nav.account" } },
  {
    path: "/:rest(.*)*",
    name: "missing",
    component: () => import("./pages/Missing.vue"),
    meta: { title: "missing.title" },
  },
];

export const router = createRouter({
  history: createWebHistory("/console/"),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
});

router.beforeEach(async (to) => {
  if (to.meta.bare && to.name !== "password" && to.name !== "needs") return true;
  let here;
  try {
    here = await ready();
  } catch {
    return to.name === "login" ? true : { name: "login", query: { next: to.fullPath } }; // the page says what is wrong
  }
  if (!here.user) return { name: "login", query: to.name === "password" ? {} : { next: to.fullPath } };
  if (here.user.must_change_password && to.name !== "password")
    return { name: "password", query: { next: to.fullPath } };
  if (here.member?.needs && to.name !== "needs" && to.name !== "password")
    return { name: "needs", query: { next: to.fullPath } };
  if (to.meta.role && !may(to.meta.role)) return { name: "home" };
  return true;
});

/** After a lazily loaded page went missing: a new version was installed while this one was open. */
router.onError((error: Error, to) => {
  if (/dynamically imported module|module script/i.test(error.message)) location.assign(router.resolve(to).href);
});

/** To the log-in page, and back here afterwards. */
export function goToLogIn(): void {
  const { name, fullPath, meta } = router.currentRoute.value;
  if (meta.bare && name !== "password") return;
  void router.replace({ name: "login", query: { next: fullPath, expired: "1" } });
}

/** The server asks for more than the session has: read what, and go to where it is done. */
export async function meetNeeds(): Promise<void> {
  const { name, fullPath } = router.currentRoute.value;
  if (name === "needs") return;
  enter(await api.read());
  await router.replace({ name: "needs", query: { next: fullPath } });
}

/** Where to go after logging in: only ever a path of this console. */
export function nextPage(next: unknown): string {
  return typeof next === "string" && next.startsWith("/") && !next.startsWith("//") ? next : "/";
}
