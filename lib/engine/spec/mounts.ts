import { GantryError } from "../../base/errors.ts";
import type { Mount } from "../../wire/oci.ts";
import type { MountOption } from "../container_options.ts";
import { propagations } from "./mount_options.ts";

/** What the mounts of a container depend on. */
export interface MountRequest {
  /** Bind mounts and tmpfs the user asked for, in the order given. */
  readonly mounts: readonly MountOption[];
  /** Makes /sys and the control groups writable. */
  readonly privileged: boolean;
  /** Files of the host, e.g. `/etc/hosts`, that appear read-only at the same place in the container. */
  readonly hostFiles: readonly string[];
  /** Size of /dev/shm in bytes; default 64 MiB. */
  readonly shmSize?: number | undefined;
  /** Shows the host's /dev/shm, for a container in the host's ipc namespace. Default false. */
  readonly hostShm?: boolean | undefined;
  /** Mounts gantry makes for itself: generated files, an init. */
  readonly own?: readonly Mount[] | undefined;
}

/** The mounts of a container in the order in which they are made. */
export interface ComposedMounts {
  readonly mounts: readonly Mount[];
  /** Propagation the root needs for what the user asked for; undefined for the runtime's default. */
  readonly rootfsPropagation: string | undefined;
  readonly warnings: readonly string[];
}

/** Where shared memory is in a container. */
const shmPath = "/dev/shm";

/** docker's default mounts, in its order; the shared memory is 64 MiB. */
export const defaultMounts: readonly Mount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  // The runtime turns this into the mounts of v1 or the one of v2, whichever the host has.
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["ro", "nosuid", "noexec", "nodev"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: shmPath,
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"],
  },
];

/**
 * docker's rules: the user's mounts come after the defaults, outer ones before inner ones; a default with the same target
 * is left out, and with a user's /dev all that is below it. Two mounts on one target are `invalid_argument`.
 */
export function composeMounts(request: MountRequest): ComposedMounts {
  const targets = request.mounts.map((mount) => mount.target);
  const isKept = (mount: Mount): boolean =>
    !targets.includes(mount.destination) &&
    !(targets.includes("/dev") && mount.destination.startsWith("/dev/"));
  assertShmSize(request.shmSize, targets);
  const defaults = defaultMounts.filter(isKept)
    .map((mount) => request.privileged ? writable(mount) : mount)
    .map((mount) => mount.destination === shmPath ? shmMount(mount, request) : mount);
  return {
    mounts: [
      ...defaults,
      ...hostFileMounts(request.hostFiles, targets),
      ...request.own ?? [],
      ...userMounts(request.mounts),
    ],
    rootfsPropagation: rootfsPropagation(request.mounts),
    warnings: request.mounts.filter((mount) => mount.options.some(isRelabel))
      .map((mount) => `z and Z on the mount at ${mount.target} have no effect: gantry does not relabel for SELinux`),
  };
}

/** The user's mounts alone, outer ones first. Two on one target are `invalid_argument`. */
export function userMounts(mounts: readonly MountOption[]): readonly Mount[] {
  const targets = mounts.map((mount) => mount.target);
  const twice = targets.find((target, index) => targets.indexOf(target) !== index);
  if (twice !== undefined) {
    throw new GantryError("invalid_argument", `duplicate mount point: ${twice}`, { hint: "mount one thing there" });
  }
  const depth = (mount: MountOption): number => mount.target.split("/").length;
  return mounts.toSorted((a, b) => depth(a) - depth(b)).map((mount) => {
    return mount.type === "bind" ? bindMount(mount) : tmpfsMount(mount);
  });
}

/** Propagation of the root that lets mounts pass to and from a shared or slave bind, as docker sets it. */
export function rootfsPropagation(mounts: readonly MountOption[]): string | undefined {
  const words = mounts.flatMap((mount) => mount.options);
  if (words.some((word) => word === "shared" || word === "rshared")) return "shared";
  return words.some((word) => word === "slave" || word === "rslave") ? "rslave" : undefined;
}

function bindMount(mount: MountOption): Mount {
  const given = mount.options.filter((word) => !isRelabel(word) && word !== "rw" && word !== "rbind");
  const words = given.includes("rro") && !given.includes("ro") ? ["ro", ...given] : given;
  const kind = words.includes("bind") ? [] : ["rbind"];
  // Private, or a mount made in the container would appear on the host.
  const propagation = words.some((word) => propagations.includes(word)) ? [] : ["rprivate"];
  return {
    destination: mount.target,
    type: "bind",
    ...(mount.source === undefined ? {} : { source: mount.source }),
    options: [...kind, ...words, ...propagation],
  };
}

function tmpfsMount(mount: MountOption): Mount {
  const isGiven = (name: string): boolean => mount.options.includes(name) || mount.options.includes(`no${name}`);
  const defaults = ["exec", "suid", "dev"].filter((name) => !isGiven(name)).map((name) => `no${name}`);
  return {
    destination: mount.target,
    type: "tmpfs",
    source: "tmpfs",
    options: [...defaults, "rprivate", ...mount.options.filter((word) => word !== "rw")],
  };
}

/** A mount of shared memory with a size in place of its own. */
export function withShmSize(mount: Mount, bytes: number): Mount {
  return { ...mount, options: [...(mount.options ?? []).filter((word) => !word.startsWith("size=")), `size=${bytes}`] };
}

/** True for the mount of shared memory that a size can be given to. */
export function isShm(mount: Mount): boolean {
  return mount.destination === shmPath && mount.type === "tmpfs";
}

/** Throws `invalid_argument` for a size that is none: the kernel takes 0 for no limit. */
export function assertShmSize(bytes: number | undefined, targets: readonly string[]): void {
  if (bytes === undefined) return;
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new GantryError("invalid_argument", `--shm-size ${bytes} is not a size`, { hint: "write e.g. 256m" });
  }
  const mine = targets.find((target) => target === "/dev" || target === shmPath);
  if (mine === undefined) return;
  throw new GantryError("invalid_argument", `--shm-size cannot be combined with a mount at ${mine}`, {
    hint: `leave one of them out, or write --tmpfs ${shmPath}:size=${bytes}`,
  });
}

function shmMount(mount: Mount, { shmSize, hostShm }: MountRequest): Mount {
  if (hostShm === true) {
    const options = ["rbind", "nosuid", "noexec", "nodev", "rprivate"];
    return { destination: shmPath, type: "bind", source: shmPath, options };
  }
  return shmSize === undefined ? mount : withShmSize(mount, shmSize);
}

/** A user's mount at the file or at a directory above it wins. */
function hostFileMounts(files: readonly string[], targets: readonly string[]): readonly Mount[] {
  const isHidden = (file: string): boolean => targets.some((target) => `${file}/`.startsWith(`${target}/`));
  return files.filter((file) => !isHidden(file)).map((file) => ({
    destination: file,
    type: "bind",
    source: file,
    options: ["rbind", "ro", "rprivate"],
  }));
}

function writable(mount: Mount): Mount {
  if (mount.type !== "sysfs" && mount.type !== "cgroup") return mount;
  return { ...mount, options: (mount.options ?? []).filter((option) => option !== "ro") };
}

function isRelabel(word: string): boolean {
  return word === "z" || word === "Z";
}
