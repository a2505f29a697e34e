import { access } from "./en/access";
import { assistant } from "./en/assistant";
import { audit } from "./en/audit";
import { calls } from "./en/calls";
import { channels } from "./en/channels";
import { common } from "./en/common";
import { company } from "./en/company";
import { copilot } from "./en/copilot";
import { flows } from "./en/flows";
import { inbox } from "./en/inbox";
import { insights } from "./en/insights";
import { knowledge } from "./en/knowledge";
import { models } from "./en/models";
import { routing } from "./en/routing";
import { sorting } from "./en/sorting";
import { service } from "./en/service";
import { shapes } from "./en/shapes";

export const en = {
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
