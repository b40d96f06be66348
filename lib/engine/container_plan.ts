import type { Spec } from "../wire/oci.ts";
import type { RootfsMount } from "../wire/task.ts";
import type { ContainerPaths } from "./container_paths.ts";

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
  /** Mounts of the root filesystem; empty when spec.root.path is the directory itself. */
  readonly rootfs: readonly RootfsMount[];
  /** True when stdout and stderr go to files that outlive this process; false when this process reads them. */
  readonly detached: boolean;
  /** True for a container that goes away when it has ended. */
  readonly autoRemove: boolean;
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
  /** Signal of a polite stop. */
  stopSignal: "gantry/stop-signal",
  /** Seconds between the polite stop and KILL. */
  stopTimeout: "gantry/stop-timeout",
} as const;
