import { GantryError } from "../../base/errors.ts";

/** PATH_MAX: no call of the kernel takes a longer path. */
const longestPath = 4096;
/** NAME_MAX of every Linux filesystem. */
const longestName = 255;
/** Deeper trees would need more descriptors than a process may have. */
export const deepest = 512;

/**
 * The name of an archive's entry as a path below the directory it is unpacked to: no empty and no `.` parts, `""` for the
 * directory itself. Throws `invalid_argument` with the name for what leads out (absolute, `..`), is too long or deep, or
 * holds a NUL.
 */
export function entryPath(name: string): string {
  if (name.startsWith("/")) throw refusedEntry(name, "its path is absolute");
  if (name.includes("\0")) throw refusedEntry(name, "its path contains a NUL character");
  if (bytesOf(name) > longestPath) throw refusedEntry(name, "its path is too long");
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refusedEntry(name, "its path leads out of the directory (..)");
  if (parts.length > deepest) throw refusedEntry(name, `its path is more than ${deepest} directories deep`);
  const long = parts.some((part) =>
    part.length > longestName / 3 && new TextEncoder().encode(part).length > longestName
  );
  if (long) throw refusedEntry(name, `a part of its path is longer than ${longestName} bytes`);
  return parts.join("/");
}

const encoder = new TextEncoder();

/** Bytes of UTF-8; exact where it matters, for what is longer than any limit here divided by three. */
function bytesOf(text: string): number {
  return text.length <= longestName / 3 ? text.length : encoder.encode(text).length;
}

/** An `invalid_argument` that names the entry of an archive; the name is shortened and quoted. */
export function refusedEntry(name: string, why: string, cause?: unknown): GantryError {
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return new GantryError("invalid_argument", `the archive's entry ${JSON.stringify(shown)} is refused: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The path of the directory an entry is in; `""` at the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The last name of a path. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
