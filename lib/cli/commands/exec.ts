import { command } from "../command.ts";
import { booleanFlag, listFlag, stringFlag } from "../flags.ts";

export const execFlags = {
  detach: booleanFlag({ summary: "Leave it running and print its id", short: "d" }),
  interactive: booleanFlag({ summary: "Pass on stdin", short: "i" }),
  tty: booleanFlag({ summary: "Give it a terminal", short: "t" }),
  user: stringFlag({ summary: "Run as this user, by name or number", short: "u", placeholder: "USER[:GROUP]" }),
  workdir: stringFlag({ summary: "Working directory in the container", short: "w", placeholder: "DIR" }),
  env: listFlag({ summary: "Set a variable; KEY alone takes ours", short: "e", placeholder: "KEY=VALUE" }),
  envFile: listFlag({ summary: "Read variables from a file", placeholder: "FILE", complete: "file" }),
  privileged: booleanFlag({ summary: "All capabilities" }),
  detachKeys: stringFlag({
    summary: 'Keys that leave it running; "" for none',
    placeholder: "KEYS",
    default: "ctrl-p,ctrl-q",
    setting: true,
  }),
  sigProxy: booleanFlag({ summary: "Pass on the signals we get", default: true }),
} as const;

/** `gantry exec` */
export const exec = command({
  name: "exec",
  group: "Containers",
  summary: "Run a program in a running container",
  description: [
    "The exit code is that of the program: 126 when it cannot be executed, 127 when it is not found, 128+n when signal n " +
    "ended it, and 125 when gantry itself failed.",
    "The program ends with gantry, however that ends, unless it was started with -d or left with the detach keys. What it " +
    "writes then goes nowhere.",
  ],
  examples: [
    { line: "gantry exec web ps", does: "run a program in the container web" },
    { line: "gantry exec -it web sh", does: "a shell in it" },
    { line: "gantry exec -u nobody -w /tmp -e A=1 web env", does: "as another user, elsewhere, with a variable" },
    { line: "tar c . | gantry exec -i web tar x -C /srv", does: "pass on stdin" },
  ],
  usage: "[FLAGS] CONTAINER [--] COMMAND [ARG…]",
  positionals: [
    { name: "CONTAINER", summary: "Name, or the start of an id" },
    { name: "COMMAND", summary: "Program and its arguments", many: true },
  ],
  flags: execFlags,
  passThrough: true,
  failureCode: 125,
  load: () => import("./exec_action.ts"),
});
