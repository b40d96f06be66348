import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const rmFlags = {
  force: booleanFlag({ summary: "Kill what runs; a container that is not there is no error", short: "f" }),
  all: booleanFlag({ summary: "All containers", short: "a" }),
} as const;

/** `gantry rm` */
export const rm = command({
  name: "rm",
  group: "Containers",
  summary: "Remove containers",
  examples: [
    { line: "gantry rm web", does: "remove a container that has ended" },
    { line: "gantry rm -f web 3fa9c", does: "kill and remove two, one by name, one by the start of its id" },
    { line: "gantry rm -fa", does: "remove all there are" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true, optional: true }],
  flags: rmFlags,
  load: () => import("./rm_action.ts"),
});
