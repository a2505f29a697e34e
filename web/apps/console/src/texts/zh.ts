import { access } from "./zh/access";
import { assistant } from "./zh/assistant";
import { audit } from "./zh/audit";
import { calls } from "./zh/calls";
import { channels } from "./zh/channels";
import { common } from "./zh/common";
import { company } from "./zh/company";
import { copilot } from "./zh/copilot";
import { flows } from "./zh/flows";
import { inbox } from "./zh/inbox";
import { insights } from "./zh/insights";
import { knowledge } from "./zh/knowledge";
import { models } from "./zh/models";
import { routing } from "./zh/routing";
import { sorting } from "./zh/sorting";
import { service } from "./zh/service";
import { shapes } from "./zh/shapes";

export const zh = {
  ...common,
  ...access,
  ...inbox,
  ...knowledge,
  ...assistant,
  ...audit,
  ...channels,
  ...calls,
  ...company,
  ...copilot,
  ...flows,
  ...models,
  ...insights,
  ...routing,
  ...sorting,
  ...service,
  ...shapes,
};
