/** The code of a language as it is kept; "" for what is none. */
export function languageCode(text: string): string {
  const code = text.trim();
  return /^[a-z]{2,3}(-[A-Za-z]{2,4})?$/.test(code) ? code : "";
}

/** "plan=gold, vip=yes" as a table; an attribute without "=" is left out. */
export function attributesOf(text: string): Record<string, string> {
  const pairs = text.split(/[,，;；\n]/).map((pair) => pair.split("=").map((part) => part.trim()));
  return Object.fromEntries(pairs.filter(([name, value]) => name && value).map(([name, value]) => [name, value]));
}

export const attributesText = (attributes: Record<string, unknown>): string =>
  Object.entries(attributes)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(", ");
