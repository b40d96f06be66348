import type { ContainerdBinary } from "./binary.ts";

/** The part of a {@link ContainerdBinary} that decides about plugins. */
export type PluginVersion = Pick<ContainerdBinary, "major" | "minor">;

interface Unwanted {
  readonly id: string;
  /** First release that has it, as major * 100 + minor; default 106. */
  readonly from?: number;
  /** First release that no longer has it. */
  readonly until?: number;
  /** Part of CRI: stays when CRI is wanted. */
  readonly cri?: true;
}

/**
 * What a private containerd does without, under the ids of each release (read off `ctr plugins ls` of 1.6, 1.7, 2.1 and
 * containerd's source). `io.containerd.runtime.v1.linux` must stay in 1.x: its tasks service refuses to start without.
 */
const unwanted: readonly Unwanted[] = [
  { id: "io.containerd.grpc.v1.cri", cri: true },
  { id: "io.containerd.cri.v1.images", from: 200, cri: true },
  { id: "io.containerd.cri.v1.runtime", from: 200, cri: true },
  { id: "io.containerd.podsandbox.controller.v1.podsandbox", from: 200, cri: true },
  // Requires the pod sandbox controller above, and would be in error without it.
  { id: "io.containerd.grpc.v1.sandbox-controllers", from: 200, cri: true },
  // Its socket has one well-known name for all instances on a host; CRI of 2.x asks for the plugin to be loaded.
  { id: "io.containerd.nri.v1.nri", from: 107, cri: true },
  // Starts tasks by itself, behind gantry's back.
  { id: "io.containerd.internal.v1.restart", until: 200 },
  { id: "io.containerd.monitor.container.v1.restart", from: 200 },
  // Makes /opt/containerd and puts its bin before the PATH in which containerd looks for its shim.
  { id: "io.containerd.internal.v1.opt" },
  // Snapshotters that need a filesystem, a device or a kernel module of their own; aufs runs modprobe at each start.
  { id: "io.containerd.snapshotter.v1.aufs", until: 200 },
  { id: "io.containerd.snapshotter.v1.blockfile", from: 107 },
  { id: "io.containerd.snapshotter.v1.btrfs" },
  { id: "io.containerd.snapshotter.v1.devmapper" },
  { id: "io.containerd.snapshotter.v1.erofs", from: 201 },
  { id: "io.containerd.snapshotter.v1.zfs" },
  { id: "io.containerd.differ.v1.erofs", from: 201 },
];

/** Ids of the plugins to disable. `wanted` are ids that somebody has configured, which is to say that they want them. */
export function unwantedPlugins(
  version: PluginVersion,
  { cri, wanted }: { readonly cri: boolean; readonly wanted: ReadonlySet<string> },
): readonly string[] {
  const release = version.major * 100 + version.minor;
  return unwanted
    .filter(({ from = 106, until = Infinity }) => from <= release && release < until)
    .filter((plugin) => !(cri && plugin.cri === true) && !wanted.has(plugin.id))
    .map(({ id }) => id);
}

/** Types of plugins whose failure leaves gantry without something it needs. */
const requiredTypes: ReadonlySet<string> = new Set([
  "io.containerd.content.v1",
  "io.containerd.event.v1",
  "io.containerd.gc.v1",
  "io.containerd.grpc.v1",
  "io.containerd.lease.v1",
  "io.containerd.metadata.v1",
  "io.containerd.runtime.v2",
  "io.containerd.server.v1",
  "io.containerd.service.v1",
  "io.containerd.shim.v1",
]);

/** Plugins of those types that may fail all the same. */
const optional: ReadonlySet<string> = new Set([
  "io.containerd.grpc.v1.sandboxes",
  "io.containerd.grpc.v1.sandbox-controllers",
  "io.containerd.grpc.v1.streaming",
  "io.containerd.grpc.v1.transfer",
  "io.containerd.server.v1.debug",
  "io.containerd.server.v1.grpc-tcp",
  "io.containerd.server.v1.metrics",
]);

const criPlugin = "io.containerd.grpc.v1.cri";
const snapshotterType = "io.containerd.snapshotter.v1";

/** One plugin of a running containerd, as far as readiness cares. */
export interface PluginReport {
  readonly type: string;
  readonly id: string;
  /** Why it did not start; undefined when it did. A plugin that chose to skip itself has one too. */
  readonly initError?: { readonly message: string } | undefined;
}

/**
 * Why a running containerd is of no use: one sentence for each required plugin in error; empty when all is well. Of the
 * snapshotters, one of overlayfs and native must work; CRI counts only when it was asked for.
 */
export function failedPlugins(
  plugins: readonly PluginReport[],
  { cri }: { readonly cri: boolean },
): readonly string[] {
  const problems: string[] = [];
  for (const { type, id, initError } of plugins) {
    const name = `${type}.${id}`;
    const isRequired = requiredTypes.has(type) && !optional.has(name) && (name !== criPlugin || cri);
    if (isRequired && initError !== undefined) problems.push(`plugin ${name} failed: ${initError.message}`);
  }
  const works = (id: string): boolean =>
    plugins.some((plugin) => plugin.type === snapshotterType && plugin.id === id && plugin.initError === undefined);
  if (!works("overlayfs") && !works("native")) {
    const errors = plugins
      .filter((plugin) => plugin.type === snapshotterType && plugin.initError !== undefined)
      .map((plugin) => `${plugin.id}: ${plugin.initError?.message}`);
    problems.push(`no snapshotter works (${errors.join("; ") || "neither overlayfs nor native is there"})`);
  }
  return problems;
}
