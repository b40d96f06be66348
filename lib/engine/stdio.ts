import { systemError } from "../base/errno.ts";
import { isCode } from "../base/errors.ts";
import { mkfifo } from "../base/libc_files.ts";
import type { StdioPaths } from "../wire/task.ts";
import { FifoReader, FifoWriter } from "./fifo.ts";

/** How often a directory is made again: an exec that ends takes those above away when it finds them empty. */
const tries = 20;

/** Which streams an attached process gets. */
export interface StdioRequest {
  /** Keeps stdin open; otherwise the process reads nothing. */
  readonly stdin: boolean;
  /** One terminal stream instead of stdout and stderr. */
  readonly terminal: boolean;
}

/**
 * The FIFOs between a process and this one: bytes go through the kernel, never through an RPC.
 *
 * A FIFO's open waits for the other side, which may never come. So nothing here waits for an open, and each is held open
 * for reading and writing until the runtime has opened its ends; only then can the end of the stream be seen.
 */
export class AttachedStdio implements AsyncDisposable {
  /** What the runtime is told. */
  readonly paths: StdioPaths;
  /** What the process writes to stdout (or to its terminal). */
  readonly stdout: FifoReader;
  /** What it writes to stderr; undefined with a terminal. */
  readonly stderr: FifoReader | undefined;
  readonly #directory: string;
  readonly #streams: DisposableStack;
  #stdin: FifoWriter | undefined;
  #keepsFifos = false;
  /** Of the FIFO of stdout: what tells ours from one of the same name that was made later. */
  readonly #inode: number | null;

  private constructor(directory: string, request: StdioRequest) {
    using streams = new DisposableStack();
    this.#directory = directory;
    this.paths = stdioPaths(directory, request);
    if (request.stdin) {
      mkfifo(this.paths.stdin, 0o600);
      this.#stdin = streams.use(new FifoWriter(this.paths.stdin));
    }
    mkfifo(this.paths.stdout, 0o600);
    this.#inode = inodeOf(this.paths.stdout);
    this.stdout = streams.use(new FifoReader(this.paths.stdout, { hold: true }));
    if (!request.terminal) {
      mkfifo(this.paths.stderr, 0o600);
      this.stderr = streams.use(new FifoReader(this.paths.stderr, { hold: true }));
    }
    this.#streams = streams.move();
  }

  /** Makes the FIFOs in `directory` (made if need be, 0700). Leaves nothing when it fails. */
  static async open(directory: string, request: StdioRequest): Promise<AttachedStdio> {
    for (let left = tries;; left--) {
      try {
        // Synchronous: on the way of every run.
        Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
        return new AttachedStdio(directory, request);
      } catch (thrown) {
        await removeDirectory(directory);
        const error = systemError(thrown, `make FIFOs in ${directory}`);
        if (left <= 1 || !isCode(error, "not_found")) throw error;
      }
    }
  }

  /** Where the process' input is written; undefined without stdin or once it is closed. */
  get stdin(): FifoWriter | undefined {
    return this.#stdin;
  }

  /** To be called when the runtime has opened its ends (after Create): from now on the end of the streams is seen. */
  established(): void {
    this.stdout.release();
    this.stderr?.release();
  }

  /** Closes our end of stdin. The process reads EOF once the runtime's `closeStdin` has been called too. */
  closeStdin(): void {
    this.#stdin?.[Symbol.dispose]();
    this.#stdin = undefined;
  }

  /** Leaves the FIFOs where they are for somebody else to read on; only our ends are closed at the end. */
  keepFifos(): void {
    this.#keepsFifos = true;
  }

  /** Closes everything and removes the FIFOs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#streams.dispose();
    if (this.#keepsFifos) return;
    // Somebody may have started the container anew while we still read its last words.
    if (inodeOf(this.paths.stdout) === this.#inode) await removeDirectory(this.#directory);
  }
}

/** Where the FIFOs of a process are. */
export function stdioPaths(directory: string, { stdin, terminal }: StdioRequest): StdioPaths {
  return {
    stdin: stdin ? `${directory}/stdin` : "",
    stdout: `${directory}/stdout`,
    stderr: terminal ? "" : `${directory}/stderr`,
    terminal,
  };
}

function inodeOf(path: string): number | null {
  try {
    return Deno.lstatSync(path).ino;
  } catch {
    return null;
  }
}

/** A failure leaves a directory that the container's removal takes along. */
async function removeDirectory(directory: string): Promise<void> {
  await Deno.remove(directory, { recursive: true }).catch(() => {});
}
