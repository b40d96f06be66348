import { systemError } from "../base/errno.ts";

/** How much of a log is kept. */
export interface LogLimits {
  /** Size at which the file is rotated. */
  readonly maxBytes: number;
  /** Files kept, the current one included: `log`, `log.1` (the newest), `log.2`, … */
  readonly maxFiles: number;
}

/** Which lines {@link lastLogLines} gives. */
export interface TailOptions {
  /** At most so many. */
  readonly count: number;
  /** Only what stands behind this offset, bytes; default 0. A file that is shorter was rotated and counts whole. */
  readonly from?: number | undefined;
}

const tailBytes = 64 << 10;
const maxLine = 1000;
const chunkBytes = 256 << 10;

/** The last lines of a log that say something; none when there is no file. */
export function lastLogLines(path: string, { count, from = 0 }: TailOptions): readonly string[] {
  let bytes: Uint8Array;
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    const start = Math.max(0, size - tailBytes, from <= size ? from : 0);
    file.seekSync(start, Deno.SeekMode.Start);
    bytes = readUpTo(file, tailBytes);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw systemError(error, `read ${path}`);
  }
  const lines = new TextDecoder().decode(bytes).split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
  return lines.slice(-count).map((line) => line.length <= maxLine ? line : `${line.slice(0, maxLine)}…`);
}

/** Size of a log, bytes; 0 when there is none. */
export function logSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw systemError(error, `look at ${path}`);
  }
}

/**
 * Rotates a log that nobody has open, by renaming: nothing is lost. Only one that is at least half full, so that a crash
 * loop does not push out the log of how it began.
 */
export function rotateIdleLog(path: string, limits: LogLimits): void {
  if (logSize(path) < limits.maxBytes / 2) return;
  try {
    if (limits.maxFiles === 1) return Deno.truncateSync(path);
    shiftFiles(path, limits);
    Deno.renameSync(path, `${path}.1`);
  } catch (error) {
    throw systemError(error, `rotate ${path}`);
  }
}

/**
 * Rotates a log that containerd has open for appending, so that renaming would not help: copies it (of one that grew far
 * over the limit while nobody looked, only the end) and cuts it to nothing. Lines written between the last read and the
 * cut, some ten microseconds, are lost. When it cannot be copied, e.g. on a full disk, it is cut without: false.
 */
export function rotateOpenLog(path: string, limits: LogLimits): boolean {
  using log = Deno.openSync(path, { read: true, write: true });
  if (limits.maxFiles === 1) {
    log.truncateSync(0);
    return true;
  }
  const partial = `${path}.rotating`;
  let copied = false;
  try {
    using copy = Deno.openSync(partial, { write: true, create: true, truncate: true, mode: 0o600 });
    log.seekSync(Math.max(0, log.statSync().size - limits.maxBytes), Deno.SeekMode.Start);
    const buffer = new Uint8Array(chunkBytes);
    for (let count = log.readSync(buffer); count !== null; count = log.readSync(buffer)) {
      for (let done = 0; done < count;) done += copy.writeSync(buffer.subarray(done, count));
    }
    log.truncateSync(0);
    copied = true;
    shiftFiles(path, limits);
    Deno.renameSync(partial, `${path}.1`);
    return true;
  } catch {
    if (!copied) log.truncateSync(0);
    removeQuietly(partial);
    return false;
  }
}

/** Makes `log.1` free: each file gets the next number, the one behind the limit goes. */
function shiftFiles(path: string, { maxFiles }: LogLimits): void {
  // Files of a former, higher limit go too.
  for (let number = maxFiles - 1; removeQuietly(`${path}.${number}`); number++);
  for (let number = maxFiles - 2; number >= 1; number--) {
    try {
      Deno.renameSync(`${path}.${number}`, `${path}.${number + 1}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function removeQuietly(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch {
    return false;
  }
}

function readUpTo(file: Deno.FsFile, most: number): Uint8Array {
  const bytes = new Uint8Array(most);
  let filled = 0;
  while (filled < most) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}
