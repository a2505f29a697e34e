import { named, t } from "../texts";

const SHEET = /\.(csv|tsv|xlsx)$/i;

/** A page's title; of a sheet that is called by its language alone ("faq/en.csv"), what it holds. */
export function titleOf({ title, name }: { title: string; name: string }): string {
  const known = named("lang", title.toLowerCase());
  const isLanguage = title !== "" && known !== title.toLowerCase();
  return isLanguage && SHEET.test(name) ? t("knowledge.sheet", { language: known }) : title || name;
}
