import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const checkpointsLsFlags = {
  quiet: booleanFlag({ summary: "Print names only", short: "q" }),
} as const;

/** `gantry checkpoints ls` */
export const checkpointsLs = command({
  name: "checkpoints ls",
  group: "Containers",
  summary: "List checkpoints",
  examples: [
    { line: "gantry checkpoints ls", does: "those of all containers, the oldest first" },
    { line: "gantry checkpoints ls web", does: "those of one container" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", optional: true }],
  flags: checkpointsLsFlags,
  load: () => import("./checkpoints_ls_action.ts"),
});

export const checkpointsInspectFlags = {
  spec: booleanFlag({ summary: "Show the OCI spec too, with the values of its variables" }),
} as const;

/** `gantry checkpoints inspect` */
export const checkpointsInspect = command({
  name: "checkpoints inspect",
  group: "Containers",
  summary: "Show all about checkpoints of a container",
  examples: [
    { line: "gantry checkpoints inspect web before", does: "size, times, parent, CRIU and kernel of a checkpoint" },
  ],
  positionals: [
    { name: "CONTAINER", summary: "Name, id, or unique start of an id; it may have been removed" },
    { name: "NAME", summary: "Name of the checkpoint", many: true },
  ],
  flags: checkpointsInspectFlags,
  load: () => import("./checkpoints_inspect_action.ts"),
});

/** `gantry checkpoints rm` */
export const checkpointsRm = command({
  name: "checkpoints rm",
  group: "Containers",
  summary: "Remove checkpoints of a container",
  examples: [
    { line: "gantry checkpoints rm web before", does: "remove one, also one that was never finished" },
  ],
  positionals: [
    { name: "CONTAINER", summary: "Name, id, or unique start of an id; it may have been removed" },
    { name: "NAME", summary: "Name of the checkpoint", many: true },
  ],
  flags: {},
  load: () => import("./checkpoints_rm_action.ts"),
});
