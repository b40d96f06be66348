import { GantryError } from "../../base/errors.ts";

/** Who makes the cgroups: the runtime itself, or systemd for it. */
export type CgroupDriver = "cgroupfs" | "systemd";

/** Options of {@link cgroupsPathOf}. */
export interface CgroupPathOptions {
  /** A path from the root of the hierarchy for cgroupfs, a slice for systemd. Default: `/gantry`, `system.slice`. */
  readonly parent?: string | undefined;
  /** Default: cgroupfs. */
  readonly driver?: CgroupDriver | undefined;
}

/**
 * `linux.cgroupsPath` of a container: `/PARENT/ID` for cgroupfs and `SLICE:gantry:ID` for systemd. A relative parent
 * counts from the root, as in docker. A slice where there is no systemd to make it, a path where there must be a slice, and
 * `..` are `invalid_argument`.
 */
export function cgroupsPathOf(id: string, options: CgroupPathOptions = {}): string {
  const { driver = "cgroupfs" } = options;
  const parent = options.parent ?? (driver === "systemd" ? "system.slice" : "/gantry");
  const refuse = (why: string, hint: string): GantryError =>
    new GantryError("invalid_argument", `--cgroup-parent ${JSON.stringify(parent)} ${why}`, { hint });
  if (driver === "systemd") {
    if (/^[A-Za-z0-9_.@\\-]+\.slice$/.test(parent)) return `${parent}:gantry:${id}`;
    throw refuse("is not a slice", "with the systemd cgroup driver it is the name of one, e.g. batch.slice");
  }
  if (/\.slice\/*$|:/.test(parent)) {
    throw refuse("is a systemd slice", "give a path such as /batch: gantry makes cgroups without systemd");
  }
  const parts = parent.split("/").filter((part) => part !== "");
  if (parent === "" || parts.some((part) => part === "." || part === ".." || /[\0\n]/.test(part))) {
    throw refuse("is not a path", "give one from the root of the hierarchy, e.g. /batch");
  }
  return `/${[...parts, id].join("/")}`;
}
