import { command } from "../command.ts";
import { booleanFlag, stringFlag } from "../flags.ts";
import { criuFlags } from "./criu_flags.ts";

export const checkpointFlags = {
  name: stringFlag({ summary: "Name of the checkpoint", short: "n", placeholder: "NAME", defaultText: "the time" }),
  leaveRunning: booleanFlag({ summary: "Let the container go on; otherwise it ends", short: "R" }),
  ...criuFlags,
  export: stringFlag({
    summary: "Write it to one file, a tar that .gz or .zst compresses",
    short: "e",
    placeholder: "FILE",
    complete: "file",
  }),
  ignoreRootfs: booleanFlag({ summary: "Leave out what was changed in a throw-away overlay" }),
} as const;

/** `gantry checkpoint` */
export const checkpoint = command({
  name: "checkpoint",
  group: "Containers",
  summary: "Save a running container to disk, with all its processes",
  description: [
    "CRIU 4 or later must be in the PATH of containerd. `gantry restore` lets the container go on from the checkpoint, " +
    "in its place or as new containers, and also when it has been removed.",
    "Checkpoints are kept with gantry until `gantry checkpoints rm`. With --export they are kept only when --name is " +
    "given too. They hold all the container had in memory, secrets too.",
    "A container on a plain directory is saved without it: its files stay where they are. Of a throw-away overlay (DIR:O) " +
    "the changes are saved.",
  ],
  examples: [
    { line: "gantry checkpoint web", does: "save and end a container, print the name of the checkpoint" },
    { line: "gantry checkpoint -R -n before web", does: "save it under a name and let it go on" },
    {
      line: "gantry checkpoint --tcp-established -e web.tar.zst web",
      does: "write it to one file, with its connections",
    },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id" }],
  flags: checkpointFlags,
  load: () => import("./checkpoint_action.ts"),
});
