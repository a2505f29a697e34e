/** Rough on purpose: catches slips, refuses no address that exists. The server has the last word. */
export const isEmail = (text: string): boolean => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text.trim());

/** Digits with the signs that people write between them. */
export const isPhone = (text: string): boolean => /^\+?[\d\s().-]{5,20}$/.test(text.trim());
