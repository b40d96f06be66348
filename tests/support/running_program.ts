/** A program that a test runs as a real process, with all it writes. */
import { eventually } from "./eventually.ts";

/** How a program ended, and what it wrote. */
export interface ProgramResult {
  /** Exit code; 128+n when signal n ended it. */
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** stdout as text. */
  readonly out: string;
  /** stderr as text. */
  readonly err: string;
  /** How long it ran, in milliseconds. */
  readonly ms: number;
}

/** What a program is started with. */
export interface ProgramOptions {
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Default the test's. */
  readonly cwd?: string | undefined;
  /** `null` is /dev/null; `piped` is written with {@link RunningProgram.write}; bytes or text are written and end. Default `null`. */
  readonly stdin?: "null" | "piped" | Uint8Array | string | undefined;
  /** Redirections in bash's words, e.g. `>/dev/full` or `<&-`. */
  readonly redirect?: string | undefined;
}

/** A program from its start to its end. Disposing kills it. */
export class RunningProgram implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Uint8Array[] = [];
  readonly #stderr: Uint8Array[] = [];
  readonly #read: Promise<unknown>;
  readonly #started = performance.now();
  #ended = false;
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;

  constructor(argv: readonly string[], options: ProgramOptions) {
    const { env, cwd, stdin = "null", redirect } = options;
    const [program = "", ...args] = redirect === undefined
      ? argv
      : ["bash", "-c", `exec "$@" ${redirect}`, "bash", ...argv];
    this.#child = new Deno.Command(program, {
      args,
      env: { ...env },
      clearEnv: true,
      ...(cwd === undefined ? {} : { cwd }),
      stdin: stdin === "null" ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.#child.status.then(() => this.#ended = true);
    this.#read = Promise.all([collect(this.#child.stdout, this.#stdout), collect(this.#child.stderr, this.#stderr)]);
    if (stdin === "null") return;
    this.#writer = this.#child.stdin.getWriter();
    if (stdin !== "piped") this.#writeAll(typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin);
  }

  /** True until it has ended. */
  get running(): boolean {
    return !this.#ended;
  }

  /** stdout so far. */
  get out(): string {
    return textOf(this.#stdout);
  }

  /** stderr so far. */
  get err(): string {
    return textOf(this.#stderr);
  }

  /** Writes to its stdin. */
  async write(text: string): Promise<void> {
    await this.#writer?.write(new TextEncoder().encode(text));
  }

  /** Ends its stdin. */
  async closeStdin(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close().catch(() => {});
  }

  /** Sends a signal; one that has ended gets none. */
  signal(name: Deno.Signal): void {
    if (this.#ended) return;
    try {
      Deno.kill(this.pid, name);
    } catch (error) {
      // It has ended this moment, and we have not been told yet.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Waits until stdout matches. Fails at once when the program ends without. */
  async untilOut(pattern: RegExp, withinMs?: number): Promise<string> {
    return await this.#until(() => this.out, { pattern, withinMs });
  }

  /** Waits until stderr matches. */
  async untilErr(pattern: RegExp, withinMs?: number): Promise<string> {
    return await this.#until(() => this.err, { pattern, withinMs });
  }

  /** Waits for its end and for the ends of its output. */
  async ended(withinMs = 60_000): Promise<ProgramResult> {
    await eventually(() => this.#ended, {
      what: `the end of pid ${this.pid} (stderr: ${this.err})`,
      withinMs,
      everyMs: 5,
    });
    const ms = performance.now() - this.#started;
    const { code } = await this.#child.status;
    await this.closeStdin();
    await this.#read;
    const [stdout, stderr] = [join(this.#stdout), join(this.#stderr)];
    return { code, stdout, stderr, out: this.out, err: this.err, ms };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#child.status;
    await this.closeStdin();
    await this.#read;
  }

  async #until(
    text: () => string,
    { pattern, withinMs }: { readonly pattern: RegExp; readonly withinMs: number | undefined },
  ): Promise<string> {
    return await eventually(() => {
      const now = text();
      if (pattern.test(now)) return now;
      if (this.#ended) throw new Error(`ended without ${pattern}:\n${this.out}\n${this.err}`);
      return undefined;
    }, { what: `${pattern} in ${JSON.stringify(text())}`, withinMs, everyMs: 5 });
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    try {
      await this.#writer?.write(bytes.slice());
    } catch {
      // It ended or closed its stdin without reading all: its right.
    }
    await this.closeStdin();
  }
}

async function collect(stream: ReadableStream<Uint8Array>, into: Uint8Array[]): Promise<void> {
  for await (const part of stream) into.push(part);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

function textOf(parts: readonly Uint8Array[]): string {
  return new TextDecoder().decode(join(parts));
}
