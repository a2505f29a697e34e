import { assistant } from "./zh/assistant";
import { channels } from "./zh/channels";
import { common } from "./zh/common";
import { company } from "./zh/company";
import { flows } from "./zh/flows";
import { inbox } from "./zh/inbox";
import { insights } from "./zh/insights";
import { knowledge } from "./zh/knowledge";
import { models } from "./zh/models";

export const zh = {
  ...common,
  ...inbox,
  ...knowledge,
  ...assistant,
  ...channels,
  ...company,
  ...flows,
  ...models,
  ...insights,
};
