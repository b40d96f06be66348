import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const pauseFlags = {
  all: booleanFlag({ summary: "All that run", short: "a" }),
} as const;

/** `gantry pause` */
export const pause = command({
  name: "pause",
  group: "Containers",
  summary: "Freeze all processes of containers",
  examples: [{ line: "gantry pause web", does: "freeze a container; `gantry resume web` lets it go on" }],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true, optional: true }],
  flags: pauseFlags,
  load: () => import("./pause_action.ts"),
});
