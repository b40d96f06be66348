import { parseDuration } from "../base/duration.ts";
import type { Spec } from "../wire/oci.ts";
import type { RootfsMount } from "../wire/task.ts";
import type { ContainerPaths } from "./container_paths.ts";
import type { ContainerFile } from "./spec/network_files.ts";

/** What a container will be, before anything is done: `--dry-run` prints it, an engine carries it out. Plain data. */
export interface ContainerPlan {
  /** 64 hex digits. */
  readonly id: string;
  /** Unique within the namespace. */
  readonly name: string;
  /** containerd's namespace. */
  readonly namespace: string;
  /** containerd's name of the runtime, e.g. `io.containerd.runc.v2`. */
  readonly runtime: string;
  /** Labels as stored: the user's, and ours (see {@link labelKeys}). */
  readonly labels: Readonly<Record<string, string>>;
  /** What the runtime is given. */
  readonly spec: Spec;
  /** Written into its data directory before it is made; mounts of the spec refer to them. */
  readonly files: readonly ContainerFile[];
  /** Mounts of the root filesystem; empty when spec.root.path is the directory itself. */
  readonly rootfs: readonly RootfsMount[];
  /** True when stdout and stderr go to files that outlive this process; false when this process reads them. */
  readonly detached: boolean;
  /** True for a container that goes away when it has ended. */
  readonly autoRemove: boolean;
  /** What becomes of its output while nobody attends to it: it is kept in files, or lost. */
  readonly log: "file" | "none";
  /** Milliseconds it may run before it is killed; undefined for no limit. */
  readonly timeoutMs?: number | undefined;
  /** Where its things are. */
  readonly paths: ContainerPaths;
  /** What could not be done as asked, a sentence each. */
  readonly warnings: readonly string[];
}

/** Keys of the labels gantry keeps its own facts in: they are there after a restart, and other clients can read them. */
export const labelKeys = {
  /** The container's name. */
  name: "gantry/name",
  /** `--rootfs` as given: a directory, with `:O` for a throw-away overlay over it. */
  rootfs: "gantry/rootfs",
  /** Present when the container goes away by itself. */
  autoRemove: "gantry/auto-remove",
  /** Directory of its logs and overlay. */
  data: "gantry/data",
  /** Present, as `none`, when its output is not kept while nobody attends to it. */
  log: "gantry/log",
  /** Present, as `true`, when its stdin is kept open while nobody attends to it. */
  stdin: "gantry/stdin",
  /** How long it may run before it is killed, as {@link timeoutOf} reads it, e.g. `1m30s`. */
  timeout: "gantry/timeout",
  /** Absolute path of the OCI runtime's program, when it is not the shim's own. */
  ociRuntime: "gantry/oci-runtime",
  /** Signal of a polite stop. */
  stopSignal: "gantry/stop-signal",
  /** Seconds between the polite stop and KILL. */
  stopTimeout: "gantry/stop-timeout",
  /** Id of the checkpoint it was restored from the last time that it was. */
  checkpoint: "gantry/checkpoint",
} as const;

/** Milliseconds a container with these labels may run at a time; undefined for no limit, and for what is none. */
export function timeoutOf(labels: Readonly<Record<string, string>>): number | undefined {
  const text = labels[labelKeys.timeout];
  try {
    return text === undefined ? undefined : parseDuration(text) || undefined;
  } catch {
    // Labels can be changed by anybody who talks to containerd.
    return undefined;
  }
}
