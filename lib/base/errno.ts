import { type ErrorCode, type ErrorDetails, GantryError, messageOf } from "./errors.ts";

/** Linux errno numbers that the calls of lib/base can give; x86-64 and arm64 agree on all of them. */
const numbers: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  7: "E2BIG",
  9: "EBADF",
  10: "ECHILD",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  14: "EFAULT",
  16: "EBUSY",
  17: "EEXIST",
  18: "EXDEV",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  25: "ENOTTY",
  26: "ETXTBSY",
  27: "EFBIG",
  28: "ENOSPC",
  29: "ESPIPE",
  30: "EROFS",
  31: "EMLINK",
  32: "EPIPE",
  36: "ENAMETOOLONG",
  38: "ENOSYS",
  39: "ENOTEMPTY",
  40: "ELOOP",
  88: "ENOTSOCK",
  90: "EMSGSIZE",
  91: "EPROTOTYPE",
  92: "ENOPROTOOPT",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  104: "ECONNRESET",
  105: "ENOBUFS",
  107: "ENOTCONN",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  122: "EDQUOT",
};

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not_found",
  ESRCH: "not_found",
  ENOTDIR: "not_found",
  EEXIST: "already_exists",
  EADDRINUSE: "already_exists",
  EACCES: "permission_denied",
  EPERM: "permission_denied",
  EROFS: "permission_denied",
  ENOSPC: "resource_exhausted",
  EDQUOT: "resource_exhausted",
  EMFILE: "resource_exhausted",
  ENFILE: "resource_exhausted",
  ENOMEM: "resource_exhausted",
  ENOBUFS: "resource_exhausted",
  EFBIG: "resource_exhausted",
  EINVAL: "invalid_argument",
  ENAMETOOLONG: "invalid_argument",
  EMSGSIZE: "invalid_argument",
  ECONNREFUSED: "unavailable",
  ECONNRESET: "unavailable",
  ENXIO: "unavailable",
  EPIPE: "unavailable",
  EAGAIN: "unavailable",
  ETIMEDOUT: "deadline_exceeded",
  EBUSY: "failed_precondition",
  EISDIR: "failed_precondition",
  ENOTEMPTY: "failed_precondition",
  ETXTBSY: "failed_precondition",
  ELOOP: "failed_precondition",
  ENOSYS: "unimplemented",
  EOPNOTSUPP: "unimplemented",
};

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "free some space (or inodes) on that filesystem",
  EDQUOT: "free some space or raise the disk quota",
  EMFILE: "raise the limit of open files (ulimit -n)",
  ENFILE: "raise the system's limit of open files (fs.file-max)",
  EROFS: "choose a directory on a writable filesystem",
};

/** The name of an errno number, e.g. `ENOENT` for 2; `errno 4242` for one that is not in the table. */
export function errnoName(errno: number): string {
  return numbers[errno] ?? `errno ${errno}`;
}

/** The class of error an errno name stands for; `internal` for the ones without a class of their own. */
export function codeOfErrno(name: string): ErrorCode {
  return codes[name] ?? "internal";
}

/** A {@link GantryError} that says what was tried and the errno's name, e.g. `cannot create /run/x: ENOSPC`. */
export function errnoError(name: string, attempt: string, details: ErrorDetails = {}): GantryError {
  return new GantryError(codeOfErrno(name), `cannot ${attempt}: ${name}`, { hint: hints[name], ...details });
}

/** The errno name that Deno put on a filesystem or network error, e.g. `ENOSPC`; undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  // Deno 2.9 gives no code to errnos without an error class of its own, ESRCH among them: what a read of /proc/PID/*
  // fails with when the process ends between open and read. Its text has the number, before any path.
  return numbers[Number(/\(os error ([0-9]+)\)/.exec(error.message)?.[1])];
}

/**
 * What a failed call of Deno's file or network API means. A {@link GantryError} passes unchanged.
 * `attempt` completes "cannot …" and names the path, e.g. `write /run/gantry/pid`.
 */
export function systemError(error: unknown, attempt: string): GantryError {
  if (error instanceof GantryError) return error;
  const name = errnoOf(error);
  if (name !== undefined) return errnoError(name, attempt, { cause: error });
  return new GantryError("internal", `cannot ${attempt}: ${messageOf(error)}`, { cause: error });
}
