import { command } from "../command.ts";
import { resumeFlags } from "./resume.ts";

/** `gantry unpause`: docker's name for `resume`. */
export const unpause = command({
  name: "unpause",
  group: "Containers",
  summary: "Let paused containers go on; the same as resume",
  examples: [{ line: "gantry unpause web", does: "let a frozen container go on" }],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true, optional: true }],
  flags: resumeFlags,
  hidden: true,
  load: () => import("./unpause_action.ts"),
});
