import { isCode } from "../base/errors.ts";
import { closeFd, openFd, openFlags } from "../base/libc_files.ts";
import { readNow, untilReady, writeNow } from "../base/poller.ts";
import type { ByteSink, ByteSource } from "./copy.ts";

/**
 * The reading end of a FIFO. Reading can be stopped between two bytes: what has not been read stays in the FIFO for whoever
 * reads on.
 */
export class FifoReader implements ByteSource, Disposable {
  readonly #stopper = new AbortController();
  #fd: number | undefined;
  /** While the runtime has not opened its end, ours for writing keeps the end of the stream from being seen. */
  #holder: number | undefined;

  /** Opens it without waiting for a writer. With `hold` it has no end before {@link release} is called. */
  constructor(path: string, { hold }: { readonly hold: boolean }) {
    this.#fd = openFd(path, openFlags.readOnly | openFlags.nonBlocking | openFlags.closeOnExec);
    if (!hold) return;
    try {
      this.#holder = openFd(path, openFlags.writeOnly | openFlags.nonBlocking | openFlags.closeOnExec);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Lets the end of the stream be seen once the others who write have gone. */
  release(): void {
    if (this.#holder !== undefined) closeFd(this.#holder);
    this.#holder = undefined;
  }

  /** Null at the end of the stream, and from {@link stop} on. */
  async read(buffer: Uint8Array): Promise<number | null> {
    const { signal } = this.#stopper;
    while (this.#fd !== undefined && !signal.aborted) {
      const length = readNow(this.#fd, buffer);
      if (length !== undefined) return length;
      await untilReady(this.#fd, "readable", signal).catch(() => {});
    }
    return null;
  }

  /** Ends a read that waits, and those to come. */
  stop(): void {
    this.#stopper.abort();
  }

  [Symbol.dispose](): void {
    this.stop();
    this.release();
    if (this.#fd !== undefined) closeFd(this.#fd);
    this.#fd = undefined;
  }
}

/** The reading end of a FIFO if there is one: a process with a terminal has none for stderr. */
export function openFifo(path: string, options: { readonly hold: boolean }): FifoReader | undefined {
  try {
    return new FifoReader(path, options);
  } catch (error) {
    if (isCode(error, "not_found")) return undefined;
    throw error;
  }
}

/** The writing end of a FIFO. */
export class FifoWriter implements ByteSink, Disposable {
  readonly #stopper = new AbortController();
  #fd: number | undefined;

  /** Opens it for both directions: that waits for no reader, and one that goes is no error but a full FIFO. */
  constructor(path: string) {
    this.#fd = openFd(path, openFlags.readWrite | openFlags.nonBlocking | openFlags.closeOnExec);
  }

  /** Bytes written, at least one. `Deno.errors.BadResource` once it is closed: nobody reads on. */
  async write(bytes: Uint8Array): Promise<number> {
    const { signal } = this.#stopper;
    while (this.#fd !== undefined) {
      const length = writeNow(this.#fd, bytes);
      if (length !== undefined) return length;
      await untilReady(this.#fd, "writable", signal).catch(() => {});
    }
    throw new Deno.errors.BadResource("the FIFO was closed");
  }

  /** Closes our end, also under a write that waits. */
  [Symbol.dispose](): void {
    this.#stopper.abort();
    if (this.#fd !== undefined) closeFd(this.#fd);
    this.#fd = undefined;
  }
}
