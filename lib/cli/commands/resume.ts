import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const resumeFlags = {
  all: booleanFlag({ summary: "All that are paused", short: "a" }),
} as const;

/** `gantry resume` */
export const resume = command({
  name: "resume",
  group: "Containers",
  summary: "Let paused containers go on",
  examples: [{ line: "gantry resume web", does: "let a frozen container go on" }],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true, optional: true }],
  flags: resumeFlags,
  load: () => import("./resume_action.ts"),
});
