import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";
import type { Device } from "../../wire/oci.ts";
import type { DeviceRule } from "../../wire/oci_resources.ts";
import type { DeviceOption } from "../container_options.ts";

/**
 * docker's rules for a container that is not privileged: zero, null, urandom, random, tty and console, all else denied.
 * The runtime itself adds full, ptmx and the pts devices, and makes the nodes.
 */
export const defaultDeviceRules: readonly DeviceRule[] = [
  { allow: false, access: "rwm" },
  ...[[1, 5], [1, 3], [1, 9], [1, 8], [5, 0], [5, 1]].map(([major, minor]) => ({
    allow: true,
    type: "c",
    major,
    minor,
    access: "rwm",
  })),
  // /dev/fuse, denied by name so that a rule added later for all of major 10 leaves it out.
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
];

/** Every device, for a privileged container. */
export const allDevicesRule: readonly DeviceRule[] = [{ allow: true, access: "rwm" }];

/** Directories of /dev that a container has of its own, or that belong to containers of others. */
const ownDirectories: ReadonlySet<string> = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]);

/** A device as it will be in the container. */
export interface GrantedDevice {
  readonly device: Device;
  /** Where it is on the host. */
  readonly source: string;
  /** Of the letters r, w and m. */
  readonly access: string;
}

/** Options of {@link readHostDevices} and {@link readDevices}. */
export interface HostDevicesOptions {
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The device nodes of the host for a privileged container: everything below /dev but the terminals of others, the console
 * (the container has its own) and what is no device. Links are not followed.
 */
export async function readHostDevices(options: HostDevicesOptions = {}): Promise<readonly Device[]> {
  const devices: Device[] = [];
  try {
    await collect("/dev", devices, options.signal);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw systemError(error, "list the devices in /dev");
  }
  return devices.sort((a, b) => a.path < b.path ? -1 : 1);
}

/**
 * The devices that `--device` names. A link is followed, and a directory stands for all devices below it, each at the same
 * place below the target; as in docker. `not_found` when there is nothing, `failed_precondition` for what is no device.
 */
export async function readDevices(
  options: readonly DeviceOption[],
  { signal }: HostDevicesOptions = {},
): Promise<readonly GrantedDevice[]> {
  const granted: GrantedDevice[] = [];
  for (const { source, target, access } of options) {
    const real = await realPath(source);
    const device = await deviceAt(real);
    if (device !== undefined) {
      granted.push({ device: { ...device, path: target }, source, access });
      continue;
    }
    const below = await devicesBelow(real, source, signal);
    for (const found of below) {
      const path = `${target}${found.path.slice(real.length)}`;
      granted.push({ device: { ...found, path }, source: `${source}${found.path.slice(real.length)}`, access });
    }
  }
  return granted;
}

async function realPath(source: string): Promise<string> {
  try {
    return await Deno.realPath(source);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `look at --device ${source}`);
    throw new GantryError("not_found", `--device ${source} does not exist`, {
      hint: "is the device plugged in and its driver loaded?",
      cause: error,
    });
  }
}

async function devicesBelow(
  directory: string,
  source: string,
  signal: AbortSignal | undefined,
): Promise<readonly Device[]> {
  const devices: Device[] = [];
  try {
    await collect(directory, devices, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof Deno.errors.NotADirectory)) throw systemError(error, `list --device ${source}`);
    throw new GantryError("failed_precondition", `--device ${source} is not a device`, {
      hint: "use -v to give a container a file or a directory",
    });
  }
  if (devices.length > 0) return devices.sort((a, b) => a.path < b.path ? -1 : 1);
  throw new GantryError("failed_precondition", `--device ${source} is a directory without devices`, {
    hint: "use -v to give a container a file or a directory",
  });
}

async function collect(directory: string, devices: Device[], signal: AbortSignal | undefined): Promise<void> {
  for await (const entry of Deno.readDir(directory)) {
    signal?.throwIfAborted();
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) {
      if (!ownDirectories.has(entry.name)) await collect(path, devices, signal);
    } else if (!entry.isFile && !entry.isSymlink && path !== "/dev/console") {
      const device = await deviceAt(path);
      if (device !== undefined) devices.push(device);
    }
  }
}

async function deviceAt(path: string): Promise<Device | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (error) {
    // Unplugged since the directory was read.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw systemError(error, `look at ${path}`);
  }
  const type = info.isCharDevice ? "c" : info.isBlockDevice ? "b" : undefined;
  if (type === undefined || info.rdev === null) return undefined;
  return {
    path,
    type,
    ...splitDeviceNumber(info.rdev),
    fileMode: (info.mode ?? 0o600) & 0o7777,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
  };
}

/** glibc's layout of a dev_t: 12 bits of major and 20 of minor, the outer parts added later (makedev(3)). */
export function splitDeviceNumber(rdev: number): { readonly major: number; readonly minor: number } {
  const number = BigInt(rdev);
  return {
    major: Number((number >> 8n & 0xfffn) | (number >> 32n & 0xfffff000n)),
    minor: Number((number & 0xffn) | (number >> 12n & 0xffffff00n)),
  };
}
