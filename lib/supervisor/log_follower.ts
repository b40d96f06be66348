import type { Clock } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { messageOf } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { type LogLimits, rotateOpenLog } from "./log_file.ts";
import { parseLogLine } from "./log_line.ts";

/** What a {@link LogFollower} follows, and where lines go. */
export interface FollowOptions extends LogLimits {
  readonly path: string;
  readonly clock: Clock;
  /** Where complete lines go; default the log of gantry, under `containerd`, at the level that containerd gave them. */
  readonly emit?: ((line: string) => void) | undefined;
}

const log = getLogger("supervisor");
const containerdLog = getLogger("containerd");

const firstPauseMs = 100;
const lastPauseMs = 500;
const chunkBytes = 256 << 10;
/** A line that does not end is passed on in pieces of this size: memory stays bounded. */
const maxPartial = 1 << 20;

/**
 * Passes the lines of containerd's log on as they are written, and keeps the file within its limits. containerd writes
 * to the file and not to a pipe, since a pipe would break when this process dies.
 */
export class LogFollower {
  readonly #options: FollowOptions;
  readonly #emit: (line: string) => void;
  #offset = 0;
  #inode: number | null = null;
  #partial = "";
  #decoder = new TextDecoder();

  /** Starts behind what the file holds now. */
  constructor(options: FollowOptions) {
    this.#options = options;
    this.#emit = options.emit ?? emitLine;
    try {
      const { size, ino } = Deno.statSync(options.path);
      this.#offset = size;
      this.#inode = ino;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `look at ${options.path}`);
    }
  }

  /** Follows until the signal is aborted, then passes on what is left. */
  async run(signal: AbortSignal): Promise<void> {
    let pause = firstPauseMs;
    while (!signal.aborted) {
      const read = this.poll();
      pause = read > 0 ? firstPauseMs : Math.min(lastPauseMs, pause * 1.5);
      await this.#options.clock.sleep(pause, { signal }).catch(() => {});
    }
    this.poll();
  }

  /** Passes on what has been written since the last time; rotates a file that has grown over the limit. Bytes read. */
  poll(): number {
    try {
      const read = this.#readNew();
      if (this.#offset >= this.#options.maxBytes) this.#rotate();
      return read;
    } catch (error) {
      // The disk or somebody's hands; containerd itself must not suffer from it.
      log.warning("cannot follow containerd's log", { path: this.#options.path, error: messageOf(error) });
      return 0;
    }
  }

  #readNew(): number {
    const { path } = this.#options;
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
    try {
      const { size, ino } = file.statSync();
      // Cut or replaced, by us or by somebody else: it starts anew.
      if (size < this.#offset || (this.#inode !== null && ino !== this.#inode)) this.#offset = 0;
      this.#inode = ino;
      if (size === this.#offset) return 0;
      file.seekSync(this.#offset, Deno.SeekMode.Start);
      const buffer = new Uint8Array(chunkBytes);
      let total = 0;
      for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
        total += count;
        this.#offset += count;
        this.#take(this.#decoder.decode(buffer.subarray(0, count), { stream: true }));
      }
      return total;
    } finally {
      file.close();
    }
  }

  #take(text: string): void {
    const lines = `${this.#partial}${text}`.split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#emit(line);
    if (this.#partial.length > maxPartial) {
      this.#emit(this.#partial);
      this.#partial = "";
    }
  }

  #rotate(): void {
    const { path } = this.#options;
    // What came since the last read is copied with the rest, but would not be passed on: read it first.
    this.#readNew();
    if (!rotateOpenLog(path, this.#options)) {
      log.warning("containerd's log was cut without keeping a copy", { path });
    }
    this.#offset = 0;
  }
}

function emitLine(line: string): void {
  const { level, message, fields } = parseLogLine(line);
  containerdLog.log(level, message, fields);
}
