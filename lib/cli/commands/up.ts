import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";
import { supervisorFlags } from "./supervisor_flags.ts";

export const upFlags = {
  detach: booleanFlag({ summary: "Go to the background once containerd serves", short: "d" }),
  ...supervisorFlags,
} as const;

/** `gantry up` */
export const up = command({
  name: "up",
  group: "Daemon",
  summary: "Start a containerd and keep it alive",
  description: [
    "Writes containerd's configuration, starts it or adopts the one that is running already, watches its health, and " +
    "starts it again when it ends or hangs. Containers go on meanwhile, and also when gantry itself is killed.",
    "INT or TERM stops containerd and leaves the containers running; a second one does not wait for it.",
    "--state and --root name the instance: several can run side by side. CONTAINERD_ADDRESS does not count here, for it " +
    "names the socket of somebody else's containerd.",
  ],
  examples: [
    { line: "gantry up --detach", does: "start it in the background" },
    { line: "gantry up --log-level debug", does: "stay in the foreground and show what happens" },
    { line: "gantry up -d --state /run/ci --root /var/lib/ci", does: "a second instance beside the first" },
  ],
  positionals: [],
  flags: upFlags,
  load: () => import("./up_action.ts"),
});
