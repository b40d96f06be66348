import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const shimLsFlags = {
  quiet: booleanFlag({ summary: "Print pids only", short: "q" }),
} as const;

/** `gantry shim ls` */
export const shimLs = command({
  name: "shim ls",
  group: "Daemon",
  summary: "List the shims that gantry runs itself",
  description: [
    "Those of all namespaces of this instance. STATUS is alive, silent (it does not answer, which proves nothing), dead, " +
    "or making (it has no container yet).",
  ],
  examples: [
    { line: "gantry shim ls", does: "each shim with its containers" },
    { line: "gantry shim ls --json", does: "a JSON object on each line" },
    { line: "gantry shim ls --format '{{.PID}} {{.Program}}'", does: "two fields of your choice" },
  ],
  positionals: [],
  flags: shimLsFlags,
  load: () => import("./shim_ls_action.ts"),
});

export const shimGcFlags = {
  dryRun: booleanFlag({ summary: "Only print what would be removed, and why" }),
} as const;

/** `gantry shim gc` */
export const shimGc = command({
  name: "shim gc",
  group: "Daemon",
  summary: "Remove what dead shims and cut-off commands have left",
  description: [
    "Bundles, shims, sockets, mounts, control groups and states of the OCI runtime that belong to nothing that lives, in " +
    "all namespaces of this instance. A shim that is alive, or only silent, keeps what is its own. How a container ended " +
    "whose shim is dead is kept until it is removed.",
  ],
  examples: [
    { line: "gantry shim gc --dry-run", does: "what would go, and why" },
    { line: "gantry shim gc --json", does: "remove it, and print a JSON object for each thing" },
  ],
  positionals: [],
  flags: shimGcFlags,
  load: () => import("./shim_gc_action.ts"),
});
