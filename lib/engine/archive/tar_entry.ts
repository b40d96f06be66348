/** What an entry of an archive is. A `link` is another name of a file that came before it. */
export type EntryType =
  | "file"
  | "directory"
  | "symlink"
  | "link"
  | "character-device"
  | "block-device"
  | "fifo";

/** Numbers of a device. */
export interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

/** One entry of an archive, without its bytes. */
export interface TarEntry {
  /** As the archive has it; see `entryPath()` before it becomes a path. */
  readonly name: string;
  readonly type: EntryType;
  /** Bytes of a file; 0 for everything else. */
  readonly size: number;
  /** Permission bits, with set-user-id and sticky: 0–0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since 1970, with a fraction when the archive is finer. */
  readonly mtimeMs: number;
  /** Target of a symlink or link; empty for everything else. */
  readonly linkname: string;
  /** Of a device. */
  readonly device?: DeviceNumbers | undefined;
  /** Extended attributes by name, e.g. `user.note`, `security.capability`. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

/** Prefix of the PAX keywords that carry extended attributes; star's, and what GNU tar, podman and docker write. */
export const xattrKeyword = "SCHILY.xattr.";

/** Where a tar header has the numbers of a device. */
export const deviceFields = { major: [329, 337], minor: [337, 345] } as const;
