/** The flags that say what CRIU may take along: those of `checkpoint` and of `restore`. */
import { booleanFlag } from "../flags.ts";

export const criuFlags = {
  tcpEstablished: booleanFlag({ summary: "Take established TCP connections along" }),
  fileLocks: booleanFlag({ summary: "Take file locks along" }),
  extUnixSk: booleanFlag({ summary: "Allow unix sockets that lead out of the container" }),
  shellJob: booleanFlag({ summary: "Allow a terminal or session that began outside" }),
  emptyNet: booleanFlag({ summary: "Leave the network namespace empty" }),
} as const;
