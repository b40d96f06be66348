import { command } from "../command.ts";
import { booleanFlag, stringFlag } from "../flags.ts";
import { criuFlags } from "./criu_flags.ts";

export const restoreFlags = {
  name: stringFlag({ summary: "Make a new container of this name", short: "n", placeholder: "NAME" }),
  checkpoint: stringFlag({ summary: "Which checkpoint", placeholder: "NAME", defaultText: "the newest" }),
  import: stringFlag({
    summary: "Take the checkpoint from a file of `checkpoint --export`, or of podman",
    short: "i",
    placeholder: "FILE",
    complete: "file",
  }),
  rootfs: stringFlag({
    summary: "Root filesystem of a new container; with :O changes go to a throw-away overlay",
    placeholder: "DIR[:O]",
    defaultText: "the same directory as before",
    complete: "directory",
  }),
  ...criuFlags,
  tcpClose: booleanFlag({ summary: "Close TCP connections instead of taking them along" }),
} as const;

/** `gantry restore` */
export const restore = command({
  name: "restore",
  group: "Containers",
  summary: "Let a container go on from a checkpoint",
  description: [
    "Without --name the container goes on in its place: it must not run. With --name, or when it has been removed, a new " +
    "one is made, as many of one checkpoint as are wanted. What it writes goes to its log files.",
    "The root filesystem must be as it was: a throw-away overlay is set back to what was saved, a plain directory is " +
    "used as it is. What the checkpoint was made with (--tcp-established and so on) holds for the restore too.",
    "A file is trusted like a command line: it says which program runs, with which rights and mounts.",
  ],
  usage: "[FLAGS] CONTAINER | --import FILE",
  examples: [
    { line: "gantry restore web", does: "go on from the newest checkpoint, in place" },
    { line: "gantry restore --checkpoint before --name web2 web", does: "a second container from a named one" },
    { line: "gantry restore -i web.tar.zst", does: "a container from another host" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", optional: true }],
  flags: restoreFlags,
  load: () => import("./restore_action.ts"),
});
