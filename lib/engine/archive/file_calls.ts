import { errnoError, errnoName } from "../../base/errno.ts";
import { check, cString, lastErrno, loadLibc } from "../../base/libc.ts";
import { closeFd } from "../../base/libc_files.ts";

/**
 * Calls on files by directory descriptor and name. Paths can change under a running container between two calls;
 * a descriptor cannot. What Deno can do itself is done through `/proc/self/fd/N/name`, which resolves nothing above N.
 */
const definitions = {
  fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32"], result: "i32" },
  getxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "isize" },
  listxattr: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "isize" },
  setxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  // glibc has wrappers for these only since 2.30 and 2.33, and none for the last.
  getdents64: { name: "syscall", parameters: ["i64", "i32", "buffer", "usize"], result: "i64" },
  mknodat: { name: "syscall", parameters: ["i64", "i32", "buffer", "u32", "u32"], result: "i64" },
  openat2: { name: "syscall", parameters: ["i64", "i32", "buffer", "buffer", "usize"], result: "i64" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of {@link definitions}. */
export type FileCalls = Deno.DynamicLibrary<typeof definitions>["symbols"];

const isArm = Deno.build.arch === "aarch64";
const SYS_getdents64 = isArm ? 61n : 217n;
const SYS_mknodat = isArm ? 33n : 259n;
const SYS_openat2 = 437n;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const EINTR = 4;
const EAGAIN = 11;
const O_CLOEXEC = 0o2000000;
/** A racing rename makes openat2 give up with EAGAIN; the kernel's documentation says to try again. */
const openAttempts = 64;

/** Flags of open(2) beside those of `base/libc_files.ts`; two differ between x86-64 and arm64. */
export const placeFlags = {
  directory: isArm ? 0o40000 : 0o200000,
  noFollow: isArm ? 0o100000 : 0o400000,
  /** Only names the file: no permission on it is needed and no driver is woken. */
  path: 0o10000000,
} as const;

/** Bits of openat2(2)'s `resolve`. */
export const resolveFlags = { noMagicLinks: 2, noSymlinks: 4, beneath: 8, inRoot: 16 } as const;

/** A file or directory kept open; disposing closes it. */
export class Descriptor implements Disposable {
  /** The number the kernel knows it by. */
  readonly fd: number;
  /** A path of the very file that is open, whatever its name is now. */
  readonly path: string;
  #open = true;

  /** Takes over an open descriptor. */
  constructor(fd: number) {
    this.fd = fd;
    this.path = `/proc/self/fd/${fd}`;
  }

  /** A path of an entry of this directory. */
  entry(name: string): string {
    return `${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    closeFd(this.fd);
  }
}

let loaded: FileCalls | undefined;

/** Opens the library now. Tests call it at the top of their module: inside a test it would count as a leak. */
export function loadFileCalls(): void {
  fileCalls();
}

/** The C library's calls on files; opened at the first use. */
export function fileCalls(): FileCalls {
  loadLibc();
  loaded ??= Deno.dlopen("libc.so.6", definitions).symbols;
  return loaded;
}

/** Opens an absolute path as the kernel resolves it, or the entry of a directory when one is given. Close-on-exec. */
export function openPlace(path: string, flags: number, directory?: Descriptor): Descriptor {
  const calls = fileCalls();
  const name = cString(path);
  for (;;) {
    // The mode counts only for a file that is made here; its final one is set when its content is there.
    const fd = calls.openat(directory?.fd ?? AT_FDCWD, name, flags | O_CLOEXEC, 0o600);
    if (fd === -1 && lastErrno() === EINTR) continue;
    return new Descriptor(check(fd, `open ${path}`));
  }
}

/** openat2(2): opens `path` below `root`. Undefined when the kernel has no such call (before Linux 5.6). */
export function openBelow(
  root: Descriptor,
  path: string,
  how: { readonly flags: number; readonly resolve: number },
): Descriptor | undefined {
  const calls = fileCalls();
  const name = cString(path === "" ? "." : path);
  const openHow = BigUint64Array.of(BigInt(how.flags | O_CLOEXEC), 0n, BigInt(how.resolve));
  for (let attempt = 1;; attempt++) {
    const fd = Number(calls.openat2(SYS_openat2, root.fd, name, openHow, BigInt(openHow.byteLength)));
    if (fd !== -1) return new Descriptor(fd);
    const errno = lastErrno();
    if (errno === EINTR || (errno === EAGAIN && attempt < openAttempts)) continue;
    const missing = errnoName(errno) === "ENOSYS";
    if (missing) return undefined;
    throw errnoError(errnoName(errno), `open ${path}`);
  }
}

/** The target of a symbolic link that is open with `placeFlags.path | placeFlags.noFollow`; undefined for other files. */
export function linkTarget(link: Descriptor): string | undefined {
  const buffer = new Uint8Array(4096);
  const length = Number(fileCalls().readlinkat(link.fd, cString(""), buffer, BigInt(buffer.length)));
  // ENOENT and EINVAL: not a link.
  return length === -1 ? undefined : new TextDecoder().decode(buffer.subarray(0, length));
}

/** The entries of a directory that is open for reading, as bytes, without `.` and `..`, in the order of the disk. */
export function rawNames(directory: Descriptor): readonly Uint8Array[] {
  const calls = fileCalls();
  const buffer = new Uint8Array(32 << 10);
  const view = new DataView(buffer.buffer);
  const names: Uint8Array[] = [];
  for (;;) {
    const length = check(
      calls.getdents64(SYS_getdents64, directory.fd, buffer, BigInt(buffer.length)),
      "list a directory",
    );
    if (length === 0) return names;
    // struct linux_dirent64: u64 inode, s64 offset, u16 length of the record, u8 type, name, NUL.
    for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
      const end = buffer.indexOf(0, at + 19);
      const name = buffer.slice(at + 19, end);
      const isDots = name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
      if (!isDots) names.push(name);
    }
  }
}

/** Makes a FIFO or a device; `mode` with its type bits. */
export function makeNode(
  directory: Descriptor,
  name: string,
  node: { readonly mode: number; readonly device: number },
): void {
  check(
    fileCalls().mknodat(SYS_mknodat, directory.fd, cString(name), node.mode, node.device),
    `make the special file ${name}`,
  );
}

/** Changes the owner of an entry; a symbolic link's own. */
export function changeOwner(
  directory: Descriptor,
  name: string,
  owner: { readonly uid: number; readonly gid: number },
): void {
  check(
    fileCalls().fchownat(directory.fd, cString(name), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW),
    `give ${name} to ${owner.uid}:${owner.gid}`,
  );
}

/** Sets access and modification time of an entry, milliseconds since 1970; a symbolic link's own. */
export function setTimes(directory: Descriptor, name: string, mtimeMs: number): void {
  check(
    fileCalls().utimensat(directory.fd, cString(name), timesOf(mtimeMs), AT_SYMLINK_NOFOLLOW),
    `set the times of ${name}`,
  );
}

/** {@link setTimes} of what is open. */
export function setTimesOf(open: Descriptor, mtimeMs: number): void {
  check(fileCalls().utimensat(AT_FDCWD, cString(open.path), timesOf(mtimeMs), 0), "set the times of a file");
}

/** Two `struct timespec`. */
function timesOf(mtimeMs: number): BigInt64Array<ArrayBuffer> {
  const seconds = Math.floor(mtimeMs / 1000);
  const nanoseconds = Math.min(Math.round((mtimeMs - seconds * 1000) * 1e6), 999_999_999);
  const time = [BigInt(seconds), BigInt(nanoseconds)] as const;
  return BigInt64Array.of(...time, ...time);
}
