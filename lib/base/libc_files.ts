import { check, cString, lastErrno, libc, rareLibc, systemCall } from "./libc.ts";

/** Flags of open(2). Equal on x86-64 and arm64. */
export const openFlags = {
  readOnly: 0,
  writeOnly: 0o1,
  readWrite: 0o2,
  create: 0o100,
  exclusive: 0o200,
  truncate: 0o1000,
  append: 0o2000,
  nonBlocking: 0o4000,
  closeOnExec: 0o2000000,
} as const;

/** Flags of umount2(2). */
export const umountFlags = { force: 1, detach: 2, expire: 4, noFollow: 8 } as const;

/** Flags of mount(2) that gantry uses. */
export const mountFlags = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
  recursive: 16384,
  private: 1 << 18,
  slave: 1 << 19,
} as const;

/** Options of {@link mount}. */
export interface MountArguments {
  /** Filesystem type; empty for bind and remount. */
  readonly type?: string | undefined;
  /** Bits of {@link mountFlags}; default 0. */
  readonly flags?: number | undefined;
  /** Options of the filesystem, e.g. `size=64k`. */
  readonly data?: string | undefined;
}

const EINTR = 4;
const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const SYS_close_range = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const MAX_FD = 0xffff_ffff;
const FALLOC_FL_KEEP_SIZE_PUNCH_HOLE = 3;

/** Makes a FIFO. `already_exists` when the name is taken. The umask applies to `mode`. */
export function mkfifo(path: string, mode: number): void {
  check(libc().mkfifo(cString(path), mode), `make the FIFO ${path}`);
}

/**
 * Opens a file and gives its descriptor, to be closed with {@link closeFd}. The caller chooses whether children inherit
 * it: pass {@link openFlags}.closeOnExec unless they must. A FIFO opened write-only and non-blocking without a reader is
 * `unavailable` (ENXIO). Interrupted opens are repeated.
 */
export function openFd(path: string, flags: number, mode = 0o600): number {
  const name = cString(path);
  for (;;) {
    const fd = libc().open(name, flags, mode);
    if (fd === -1 && lastErrno() === EINTR) continue;
    return check(fd, `open ${path}`);
  }
}

/** Closes a descriptor. On Linux it is closed even when close(2) reports EINTR, so that is no error. */
export function closeFd(fd: number): void {
  const result = libc().close(fd);
  if (result === -1 && lastErrno() === EINTR) return;
  check(result, `close descriptor ${fd}`);
}

/** True when a program started from here would not get `fd`. */
export function isCloseOnExec(fd: number): boolean {
  return (check(rareLibc().fcntl(fd, F_GETFD, 0n), `read the flags of descriptor ${fd}`) & FD_CLOEXEC) !== 0;
}

/**
 * Marks every descriptor from `first` up close-on-exec. Deno passes on what it inherited itself, e.g. the pipes of a
 * `$(…)` in a script, and a daemon that holds such a pipe makes the script wait for ever.
 */
export function closeOnExecFrom(first: number): void {
  // Fails before Linux 5.11 (ENOSYS, EINVAL), and where an old seccomp profile does not know it (EPERM).
  if (systemCall(SYS_close_range, first, MAX_FD, CLOSE_RANGE_CLOEXEC) === -1) closeOnExecOneByOne(first);
}

/** Frees the disk blocks of a range; the file keeps its size and reads zeros there. Bytes; `offset` and `length` whole. */
export function punchHole(fd: number, offset: number, length: number): void {
  check(
    rareLibc().fallocate(fd, FALLOC_FL_KEEP_SIZE_PUNCH_HOLE, BigInt(offset), BigInt(length)),
    `free ${length} bytes at ${offset} of descriptor ${fd}`,
  );
}

/** Mounts `source` on `target`. Needs CAP_SYS_ADMIN. */
export function mount(source: string, target: string, options: MountArguments = {}): void {
  const { type = "", flags = 0, data = "" } = options;
  check(
    rareLibc().mount(cString(source), cString(target), cString(type), BigInt(flags), cString(data)),
    `mount ${source} on ${target}`,
  );
}

/** Takes the topmost mount off `path`; `invalid_argument` when nothing is mounted there. Needs CAP_SYS_ADMIN. */
export function umount(path: string, flags = 0): void {
  check(rareLibc().umount2(cString(path), flags), `unmount ${path}`);
}

/** What {@link closeOnExecFrom} does where the kernel has no close_range: the same, one descriptor at a time. */
export function closeOnExecOneByOne(first: number): void {
  for (const entry of Deno.readDirSync("/proc/self/fd")) {
    const fd = Number(entry.name);
    // A failure is the descriptor of this very listing, closed meanwhile.
    if (fd >= first) rareLibc().fcntl(fd, F_SETFD, BigInt(FD_CLOEXEC));
  }
}
