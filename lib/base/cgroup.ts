import { GantryError } from "./errors.ts";
import { type MountInfo, readMounts } from "./mounts.ts";

/**
 * How control groups are mounted: `v2` (unified), `v1` (a hierarchy a controller), `hybrid` (v1 for the controllers, and
 * v2 beside it for the process tree; limits are v1's).
 */
export type CgroupMode = "v1" | "hybrid" | "v2";

const root = "/sys/fs/cgroup";

/** The mode of this host; `failed_precondition` when no control groups are mounted. */
export async function cgroupMode(): Promise<CgroupMode> {
  return cgroupModeOf(await readMounts());
}

/** The mode that a list of mounts shows. */
export function cgroupModeOf(mounts: readonly MountInfo[]): CgroupMode {
  // The last mount at a point is the one in sight.
  const top = mounts.findLast((mount) => mount.mountPoint === root);
  if (top?.type === "cgroup2") return "v2";
  const inside = mounts.filter((mount) => mount.mountPoint.startsWith(`${root}/`));
  const legacy = inside.some((mount) => mount.type === "cgroup");
  if (!legacy) {
    throw new GantryError("failed_precondition", `no control groups are mounted at ${root}`, {
      hint: `mount them, e.g. mount -t cgroup2 none ${root}`,
    });
  }
  return inside.some((mount) => mount.type === "cgroup2") ? "hybrid" : "v1";
}
