/** Shapes of tasks and processes shared by both ways of running them (containerd's Tasks service and shims over ttrpc). */

/** What a process is doing, in containerd's words. */
export type TaskStatus = "unknown" | "created" | "running" | "stopped" | "paused" | "pausing";

/** How a process ended. */
export interface ExitStatus {
  /** The exit code, 0–255; 128+n when signal n ended the process. */
  readonly code: number;
  /** When it ended, milliseconds since 1970. */
  readonly exitedAt: number;
  /** False when code or time had to be inferred (the shim was lost): then the code is 255 or 137 by convention. */
  readonly exact: boolean;
}

/** A mount as containerd and the shims take it for a root filesystem. */
export interface RootfsMount {
  /** Filesystem type, e.g. `overlay` or `bind`. */
  readonly type: string;
  /** Source: a device, a directory, or the type's name again. */
  readonly source: string;
  /** Mount options, e.g. `lowerdir=/a:/b`, `rbind`, `ro`. */
  readonly options: readonly string[];
}

/** Where a process' streams are: FIFOs, plain files, or empty for none. */
export interface StdioPaths {
  /** FIFO the process reads; empty for no stdin. */
  readonly stdin: string;
  /** FIFO or plain file for stdout; empty for none. */
  readonly stdout: string;
  /** FIFO or plain file for stderr; empty with a terminal or for none. */
  readonly stderr: string;
  /** True when the process gets a terminal; stderr is then empty. */
  readonly terminal: boolean;
}

/** How a task is to be checkpointed. Directories are absolute paths and must exist. */
export interface CheckpointTaskRequest {
  /** Where the images go. */
  readonly images: string;
  /** Where CRIU leaves its log and statistics. */
  readonly work: string;
  /** Ends the task with the checkpoint. */
  readonly exit: boolean;
  /** Allows established TCP connections. */
  readonly openTcp: boolean;
  /** Allows unix sockets whose other end is outside. */
  readonly externalUnixSockets: boolean;
  /** Allows a terminal or session that began outside. */
  readonly shellJob: boolean;
  /** Allows file locks. */
  readonly fileLocks: boolean;
  /** Namespaces that are restored empty, e.g. `network`. */
  readonly emptyNamespaces: readonly string[];
}
