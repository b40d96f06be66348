import { command } from "../command.ts";
import { supervisorFlags } from "./supervisor_flags.ts";

export const downFlags = { stopTimeout: supervisorFlags.stopTimeout } as const;

/** `gantry down` */
export const down = command({
  name: "down",
  group: "Daemon",
  summary: "Stop the supervised containerd; containers go on",
  description: ["Succeeds also when nothing is running."],
  examples: [
    { line: "gantry down", does: "stop the instance in /run/gantry" },
    { line: "gantry down --state /run/ci --root /var/lib/ci", does: "stop another one" },
  ],
  positionals: [],
  flags: downFlags,
  load: () => import("./down_action.ts"),
});
