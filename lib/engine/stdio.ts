import { mkfifo } from "../base/libc_files.ts";
import type { StdioPaths } from "../wire/task.ts";

/** Which streams an attached process gets. */
export interface StdioRequest {
  /** Keeps stdin open; otherwise the process reads nothing. */
  readonly stdin: boolean;
  /** One terminal stream instead of stdout and stderr. */
  readonly terminal: boolean;
}

/**
 * The three FIFOs between a process and this one: bytes go through the kernel, never through an RPC.
 *
 * A FIFO's open waits for the other side, which may never come. So each is held open here for reading and writing (which
 * Linux grants at once) until the runtime has opened its ends; only then can the end of the stream be seen.
 */
export class AttachedStdio implements AsyncDisposable {
  /** What the runtime is told. */
  readonly paths: StdioPaths;
  /** What the process writes to stdout (or to its terminal). */
  readonly stdout: Deno.FsFile;
  /** What it writes to stderr; undefined with a terminal. */
  readonly stderr: Deno.FsFile | undefined;
  readonly #directory: string;
  readonly #holders: Deno.FsFile[] = [];
  readonly #files: Deno.FsFile[] = [];
  #stdin: Deno.FsFile | undefined;

  private constructor(directory: string, request: StdioRequest) {
    this.#directory = directory;
    this.paths = {
      stdin: request.stdin ? `${directory}/stdin` : "",
      stdout: `${directory}/stdout`,
      stderr: request.terminal ? "" : `${directory}/stderr`,
      terminal: request.terminal,
    };
    if (request.stdin) {
      mkfifo(this.paths.stdin, 0o600);
      this.#stdin = this.#open(this.paths.stdin, { read: true, write: true });
    }
    this.stdout = this.#reader(this.paths.stdout);
    this.stderr = request.terminal ? undefined : this.#reader(this.paths.stderr);
  }

  /** Makes the FIFOs in `directory` (made if need be, 0700). */
  static async open(directory: string, request: StdioRequest): Promise<AttachedStdio> {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    return new AttachedStdio(directory, request);
  }

  /** Where the process' input is written; undefined without stdin or once it is closed. */
  get stdin(): Deno.FsFile | undefined {
    return this.#stdin;
  }

  /** To be called when the runtime has opened its ends (after Create): from now on the end of the streams is seen. */
  established(): void {
    for (const holder of this.#holders.splice(0)) holder.close();
  }

  /** Closes our end of stdin. The process reads EOF once the runtime's `closeStdin` has been called too. */
  closeStdin(): void {
    if (this.#stdin !== undefined) closeQuietly(this.#stdin);
    this.#stdin = undefined;
  }

  /** Closes everything and removes the FIFOs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.established();
    this.closeStdin();
    for (const file of this.#files.splice(0)) closeQuietly(file);
    await Deno.remove(this.#directory, { recursive: true }).catch(() => {});
  }

  #reader(path: string): Deno.FsFile {
    mkfifo(path, 0o600);
    this.#holders.push(this.#open(path, { read: true, write: true }));
    return this.#open(path, { read: true });
  }

  #open(path: string, options: Deno.OpenOptions): Deno.FsFile {
    const file = Deno.openSync(path, options);
    if (options.write !== true) this.#files.push(file);
    return file;
  }
}

/** Closes a file whose descriptor may be gone already. */
function closeQuietly(file: Deno.FsFile): void {
  try {
    file.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
