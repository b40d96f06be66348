import { errnoError, errnoName } from "../../base/errno.ts";
import { isCode } from "../../base/errors.ts";
import { check, cString, lastErrno } from "../../base/libc.ts";
import { type Descriptor, fileCalls } from "./file_calls.ts";

/** What an inode's attributes can be together: XATTR_LIST_MAX and XATTR_SIZE_MAX. */
const largest = 64 << 10;
const none = ["ENODATA", "EOPNOTSUPP", "errno 61"];

/**
 * True for attributes that belong to the file and not to where it is stored: capabilities, access lists, the user's own.
 * An overlay keeps its whiteouts, redirects and origins in `trusted.overlay.*`: carried into another overlay they would
 * show files that are not the container's.
 */
export function isPortable(name: string): boolean {
  return (name.startsWith("user.") && !name.startsWith("user.overlay.")) || name === "security.capability" ||
    name === "system.posix_acl_access" || name === "system.posix_acl_default";
}

/** The names of a file's extended attributes; none where the filesystem has no such thing. */
export function xattrNames(open: Descriptor): readonly string[] {
  const calls = fileCalls();
  const path = cString(open.path);
  const buffer = new Uint8Array(largest);
  const length = Number(calls.listxattr(path, buffer, BigInt(buffer.length)));
  if (length === -1) {
    const name = errnoName(lastErrno());
    if (none.includes(name)) return [];
    throw errnoError(name, `list the extended attributes of ${open.path}`);
  }
  return new TextDecoder().decode(buffer.subarray(0, length)).split("\0").filter((name) => name !== "");
}

/** The value of an extended attribute; undefined when the file has none of that name. */
export function readXattr(open: Descriptor, name: string): Uint8Array | undefined {
  const buffer = new Uint8Array(largest);
  const length = Number(fileCalls().getxattr(cString(open.path), cString(name), buffer, BigInt(buffer.length)));
  if (length !== -1) return buffer.slice(0, length);
  const errno = errnoName(lastErrno());
  if (none.includes(errno)) return undefined;
  throw errnoError(errno, `read the extended attribute ${name}`);
}

/** The attributes of a file that {@link isPortable}. */
export function readXattrs(open: Descriptor): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const name of xattrNames(open)) {
    if (!isPortable(name)) continue;
    const value = readXattr(open, name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

/** Sets the given attributes that {@link isPortable}; gives the names of those that this filesystem or user cannot have. */
export function writeXattrs(open: Descriptor, xattrs: ReadonlyMap<string, Uint8Array>): readonly string[] {
  const refused: string[] = [];
  for (const [name, value] of xattrs) {
    if (!isPortable(name)) continue;
    try {
      writeXattr(open, name, value);
    } catch (error) {
      if (!isCode(error, "unimplemented") && !isCode(error, "permission_denied")) throw error;
      refused.push(name);
    }
  }
  return refused;
}

/** Sets one extended attribute, of whatever name. */
export function writeXattr(open: Descriptor, name: string, value: Uint8Array): void {
  check(
    fileCalls().setxattr(cString(open.path), cString(name), new Uint8Array(value), BigInt(value.length), 0),
    `set the extended attribute ${name}`,
  );
}
