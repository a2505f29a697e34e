/** What a member has begun to write, by conversation: a reload, a log-in or another page loses none of it. */
const key = (conversation: string): string => `kefu.draft.${conversation}`;

export const draftOf = (conversation: string): string => sessionStorage.getItem(key(conversation)) ?? "";

export function keepDraft(conversation: string, text: string): void {
  if (text) sessionStorage.setItem(key(conversation), text);
  else sessionStorage.removeItem(key(conversation));
}
