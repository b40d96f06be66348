import { systemError } from "./errno.ts";
import { GantryError } from "./errors.ts";

/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the device. */
  readonly device: string;
  /** The directory of the filesystem that is mounted; not `/` for bind mounts of a part. */
  readonly root: string;
  readonly mountPoint: string;
  /** Options of this mount, e.g. `rw`, `nosuid`. */
  readonly options: readonly string[];
  /** Propagation, e.g. `shared:1`, `master:2`, `unbindable`; empty for a private mount. */
  readonly propagation: readonly string[];
  /** Filesystem type, e.g. `ext4`, `cgroup2`. */
  readonly type: string;
  readonly source: string;
  /** Options of the filesystem itself, e.g. `size=64k`, `lowerdir=…`. */
  readonly superOptions: readonly string[];
}

/**
 * The mounts that process `pid` sees (default: this one), in mount order: of two at one mount point the later covers the
 * earlier. `not_found` when there is no such process.
 */
export async function readMounts(pid?: number): Promise<MountInfo[]> {
  const path = `/proc/${pid ?? "self"}/mountinfo`;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw systemError(error, `read ${path}`);
  }
  return parseMountInfo(text);
}

/** Parses the whole text of a mountinfo file. A line that is not one is `data_loss`. */
export function parseMountInfo(text: string): MountInfo[] {
  return text.split("\n").filter((line) => line !== "").map(parseLine);
}

function parseLine(line: string): MountInfo {
  const fields = line.split(" ");
  // Any number of optional fields, then a lone hyphen.
  const hyphen = fields.indexOf("-", 6);
  const [id = "", parentId = "", device, root, mountPoint, options] = fields;
  const [type, source, superOptions = ""] = fields.slice(hyphen + 1);
  if (
    hyphen < 0 || !/^[0-9]+$/.test(id) || !/^[0-9]+$/.test(parentId) || device === undefined || root === undefined ||
    mountPoint === undefined || options === undefined || type === undefined || source === undefined
  ) {
    throw new GantryError("data_loss", `not a line of mountinfo: ${JSON.stringify(line)}`);
  }
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: unescape(root),
    mountPoint: unescape(mountPoint),
    options: optionList(options),
    propagation: fields.slice(6, hyphen),
    type: unescape(type),
    source: unescape(source),
    superOptions: optionList(superOptions),
  };
}

function optionList(text: string): string[] {
  return text === "" ? [] : text.split(",").map(unescape);
}

/** The kernel writes space, tab, newline, backslash and # as three octal digits. */
function unescape(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
