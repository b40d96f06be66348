import { command } from "../command.ts";
import { booleanFlag, stringFlag } from "../flags.ts";
import { containerFlags } from "./container_flags.ts";

export const runFlags = {
  ...containerFlags,
  detach: booleanFlag({ summary: "Leave it running and print its id", short: "d" }),
  interactive: booleanFlag({ summary: "Pass on stdin", short: "i" }),
  tty: booleanFlag({ summary: "Give it a terminal", short: "t" }),
  detachKeys: stringFlag({
    summary: 'Keys that leave it running; "" for none',
    placeholder: "KEYS",
    default: "ctrl-p,ctrl-q",
    setting: true,
  }),
  sigProxy: booleanFlag({ summary: "Pass on the signals we get", default: true }),
  pidfile: stringFlag({ summary: "Write the pid of its process to FILE", placeholder: "FILE", complete: "file" }),
  timings: booleanFlag({ summary: "Say on stderr at the end where the time went" }),
  dryRun: booleanFlag({ summary: "Show the RPCs and the OCI spec, do nothing" }),
} as const;

/** `gantry run` */
export const run = command({
  name: "run",
  group: "Containers",
  summary: "Run a program in a new container",
  description: [
    "The exit code is that of the program: 126 when it cannot be executed, 127 when it is not found, 128+n when signal n " +
    "ended it, and 125 when gantry itself failed.",
    "Without --network host the container has a network namespace of its own with nothing in it.",
    "When nobody reads the output any more (`| head -1`), the container is killed.",
  ],
  examples: [
    { line: "gantry run --rm --rootfs ./rootfs -- /bin/echo hello", does: "run a program and remove the container" },
    { line: "gantry run --rm -it --rootfs ./rootfs:O -- sh", does: "a shell in a throw-away copy of a directory" },
    {
      line: "gantry run -d --name web --rootfs ./web -m 256m -- /bin/httpd -f",
      does: "leave it running, print its id",
    },
    { line: "gantry run --dry-run --rootfs ./rootfs -- sh", does: "show what would be done" },
  ],
  positionals: [{ name: "COMMAND", summary: "Program and its arguments", optional: true, many: true }],
  flags: runFlags,
  passThrough: true,
  failureCode: 125,
  load: () => import("./run_action.ts"),
});
