import { computed, shallowRef } from "vue";
import { session as api } from "./desk/api";
import { carry } from "./desk/request";
import type { Role, Session } from "./desk/types";
import { chooseLanguage } from "./texts";
import { chooseTheme } from "./theme";

const ROLES: readonly Role[] = ["owner", "admin", "supervisor", "agent", "viewer"];

export const session = shallowRef<Session | null>(null);
export const user = computed(() => session.value?.user ?? null);
export const me = computed(() => session.value?.member ?? null);
export const workspace = computed(() => session.value?.workspace ?? null);

/** The one-time password that has just opened the door; the page for a new one need not ask for it again. */
export const oneTime = shallowRef("");

/** Whether the signed-in member has at least this role; what they may not do is not offered. */
export const may = (least: Role): boolean => {
  const role = me.value?.role;
  return role !== undefined && ROLES.indexOf(role) <= ROLES.indexOf(least);
};

/** The roles that a member of this role may give: only owners make owners and admins. */
export const givableRoles = (): Role[] => ROLES.filter((role) => may("owner") || ROLES.indexOf(role) > 1);

/** Takes up a session answer: token, workspace, language and theme. */
export function enter(value: Session): Session {
  carry(value);
  session.value = value;
  if (value.user) {
    chooseLanguage(value.user.language);
    chooseTheme(value.user.theme);
  }
  return value;
}

let loading: Promise<Session> | null = null;

/** The session, asked for once. */
export function ready(): Promise<Session> {
  if (session.value) return Promise.resolve(session.value);
  loading ??= api
    .read()
    .then(enter)
    .finally(() => {
      loading = null;
    });
  return loading;
}

/** The server says that nobody is signed in any more. */
export function ended(): void {
  session.value = null;
  oneTime.value = "";
}

export async function logOut(): Promise<void> {
  await api.logOut();
  ended();
}
