import { command } from "../command.ts";
import { booleanFlag } from "../flags.ts";

export const cpFlags = {
  archive: booleanFlag({ summary: "Keep owners; else files belong to the container's root, or to you", short: "a" }),
  followLink: booleanFlag({ summary: "Copy what a symbolic link leads to", short: "L" }),
  quiet: booleanFlag({ summary: "Do not name what was passed over", short: "q" }),
} as const;

/** `gantry cp` */
export const cp = command({
  name: "cp",
  group: "Containers",
  summary: "Copy files into and out of containers",
  description: [
    "One side at least is CONTAINER:PATH, of a container that runs or does not. `-` is a tar on stdin or stdout.",
    "A directory is copied into one that exists, and as one that does not; `DIR/.` stands for what is in it.",
  ],
  examples: [
    { line: "gantry cp web:/var/log/app.log .", does: "a file out of a container" },
    { line: "gantry cp ./site/. web:/srv/www", does: "what is in a directory into one of a container" },
    { line: "gantry cp web:/etc - | tar -t", does: "a directory as a tar" },
  ],
  positionals: [
    { name: "SOURCE", summary: "CONTAINER:PATH, a path of the host, or -" },
    { name: "DESTINATION", summary: "Likewise" },
  ],
  flags: cpFlags,
  load: () => import("./cp_action.ts"),
});
