import type { Clock } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import type { ByteSource } from "./copy.ts";

/** How often to look where the kernel tells of changes: it does not for files that another host writes (NFS). */
const watchedPollMs = 1000;
/** How often where it does not: /proc/sys/fs/inotify/max_user_instances is used up. */
const unwatchedPollMs = 20;

/**
 * A file that others append to, as a stream: from its present end, each byte as it comes, to where it ends when
 * {@link end} is called. One that is deleted meanwhile is read on.
 */
export class FileFollower implements ByteSource, Disposable {
  readonly #file: Deno.FsFile;
  readonly #clock: Clock;
  readonly #stopper = new AbortController();
  #watcher: Deno.FsWatcher | undefined;
  #position: number;
  /** Where the stream ends; undefined while that is not known. */
  #limit: number | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(path: string, { clock }: { readonly clock: Clock }) {
    this.#clock = clock;
    try {
      this.#file = Deno.openSync(path);
      this.#position = this.#file.seekSync(0, Deno.SeekMode.End);
    } catch (error) {
      throw systemError(error, `read ${path}`);
    }
    try {
      this.#watcher = Deno.watchFs(path, { recursive: false });
      void this.#watch(this.#watcher);
    } catch {
      // Looking now and then is good enough.
    }
    void this.#poll(this.#watcher === undefined ? unwatchedPollMs : watchedPollMs);
  }

  /** Present size of the file in bytes. */
  get size(): number {
    return this.#file.statSync().size;
  }

  /** The next bytes, as soon as there are any; null at the end, and once it is disposed. */
  async read(buffer: Uint8Array): Promise<number | null> {
    while (!this.#stopper.signal.aborted) {
      // Made before the file is looked at: what comes after that look is told to this one.
      const { promise } = this.#changed = Promise.withResolvers<void>();
      const room = Math.min(buffer.length, (this.#limit ?? Infinity) - this.#position);
      if (room <= 0) return null;
      // Synchronous: these bytes are in the page cache, and a thread of the pool costs more than they do.
      const length = this.#file.readSync(buffer.subarray(0, room));
      if (length !== null) {
        this.#position += length;
        return length;
      }
      if (this.#limit !== undefined) return null;
      await promise;
    }
    return null;
  }

  /** All has been written: what is there now is read, and then comes the end. */
  end(): void {
    this.#limit ??= this.size;
    this.#changed.resolve();
  }

  [Symbol.dispose](): void {
    if (this.#stopper.signal.aborted) return;
    this.#stopper.abort();
    this.#changed.resolve();
    this.#watcher?.close();
    this.#file.close();
  }

  async #watch(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const _event of watcher) this.#changed.resolve();
    } catch {
      // Closed, or the kernel gave up on it: the poll goes on.
    }
  }

  async #poll(ms: number): Promise<void> {
    const { signal } = this.#stopper;
    while (!signal.aborted) {
      await this.#clock.sleep(ms, { signal }).catch(() => {});
      this.#changed.resolve();
    }
  }
}
