import { GantryError, isCode } from "../../base/errors.ts";
import { check, cString, loadLibc } from "../../base/libc.ts";
import { closeFd } from "../../base/libc_files.ts";
import { Descriptor, openPlace, placeFlags } from "../archive/file_calls.ts";

/** Directories of an overlay. */
export interface OverlayLayers {
  /** What the container changed. */
  readonly upper: string;
  /** Empty, on the filesystem of `upper`. */
  readonly work: string;
  /** Top first. */
  readonly lowers: readonly string[];
}

/** The calls of the kernel's new mount interface; glibc has wrappers since 2.36 only. */
const definitions = {
  fsopen: { name: "syscall", parameters: ["i64", "buffer", "u32"], result: "i64" },
  fsconfig: { name: "syscall", parameters: ["i64", "i32", "u32", "buffer", "buffer", "i32"], result: "i64" },
  fsmount: { name: "syscall", parameters: ["i64", "i32", "u32", "u32"], result: "i64" },
} as const satisfies Deno.ForeignLibraryInterface;

// The same numbers on every architecture.
const SYS_fsopen = 430n;
const SYS_fsconfig = 431n;
const SYS_fsmount = 432n;
const CLOEXEC = 1;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const MOUNT_ATTR_NOSUID_NODEV = 2 | 4;

let loaded: Deno.DynamicLibrary<typeof definitions>["symbols"] | undefined;

/** Opens the library now. Tests call it at the top of their module: inside a test it would count as a leak. */
export function loadMountCalls(): void {
  calls();
}

/**
 * Mounts an overlay that has no place in any directory: it exists as long as the descriptor is open, and the kernel takes
 * it away with this process, however that ends. Needs CAP_SYS_ADMIN and Linux 5.2. Not for an overlay that is mounted
 * elsewhere: two on one upper directory would not know of each other's changes.
 */
export function detachedOverlay(layers: OverlayLayers): Descriptor {
  const { upper, work, lowers } = layers;
  const open: Descriptor[] = [];
  try {
    // Paths of descriptors: a parameter may have 255 characters, and nothing in them needs quoting.
    const path = (directory: string): string => {
      const descriptor = openPlace(directory, placeFlags.path | placeFlags.directory);
      open.push(descriptor);
      return descriptor.path;
    };
    return mounted({ lowerdir: lowers.map(path).join(":"), upperdir: path(upper), workdir: path(work) }, upper);
  } finally {
    for (const descriptor of open) descriptor[Symbol.dispose]();
  }
}

function mounted(options: Readonly<Record<string, string>>, upper: string): Descriptor {
  const { fsopen, fsconfig, fsmount } = calls();
  const attempt = `mount the container's overlay of ${upper}`;
  let context: number;
  try {
    context = check(fsopen(SYS_fsopen, cString("overlay"), CLOEXEC), attempt);
  } catch (error) {
    if (!isCode(error, "unimplemented")) throw error;
    throw new GantryError("unimplemented", `cannot ${attempt}: this needs Linux 5.2`, {
      hint: "start the container and copy then",
      cause: error,
    });
  }
  try {
    for (const [key, value] of Object.entries(options)) {
      check(fsconfig(SYS_fsconfig, context, FSCONFIG_SET_STRING, cString(key), cString(value), 0), attempt);
    }
    check(fsconfig(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, null, null, 0), attempt);
    return new Descriptor(check(fsmount(SYS_fsmount, context, CLOEXEC, MOUNT_ATTR_NOSUID_NODEV), attempt));
  } finally {
    closeFd(context);
  }
}

function calls(): Deno.DynamicLibrary<typeof definitions>["symbols"] {
  loadLibc();
  loaded ??= Deno.dlopen("libc.so.6", definitions).symbols;
  return loaded;
}
