/** The address if a browser may safely follow it: http(s) only, so never `javascript:`. */
export function httpUrl(address: string | null): string | null {
  if (!address || !URL.canParse(address)) return null;
  const { protocol, href } = new URL(address);
  return protocol === "https:" || protocol === "http:" ? href : null;
}
