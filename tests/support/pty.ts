/** A pseudo-terminal: the test is the person in front of it, a program under test has the other side. */
import { eventually } from "./eventually.ts";
import { type ProgramResult, RunningProgram } from "./running_program.ts";

const libc = Deno.dlopen("libc.so.6", {
  close: { parameters: ["i32"], result: "i32" },
  grantpt: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  posix_openpt: { parameters: ["i32"], result: "i32" },
  ptsname_r: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  unlockpt: { parameters: ["i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
}).symbols;

const O_RDWR_NOCTTY_NONBLOCK_CLOEXEC = 0o2004402;
const TIOCSWINSZ = 0x5414n;

/** Rows and columns. */
export interface PtySize {
  readonly rows: number;
  readonly columns: number;
}

/** One pseudo-terminal. Disposing hangs it up. */
export class Pty implements AsyncDisposable {
  /** Path of the program's side, e.g. `/dev/pts/3`. */
  readonly path: string;
  readonly #master: number;
  /** Held open: what the kernel keeps of a terminal's modes goes with its last open file. */
  readonly #slave: Deno.FsFile;
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;
  #seen = "";

  constructor(size: PtySize = { rows: 24, columns: 80 }) {
    this.#master = libc.posix_openpt(O_RDWR_NOCTTY_NONBLOCK_CLOEXEC);
    const name = new Uint8Array(64);
    if (this.#master < 0 || libc.grantpt(this.#master) !== 0 || libc.unlockpt(this.#master) !== 0) {
      throw new Error("no pseudo-terminal can be had");
    }
    libc.ptsname_r(this.#master, name, BigInt(name.length));
    this.path = new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
    this.#slave = Deno.openSync(this.path, { read: true, write: true });
    this.resize(size);
    this.#reading = this.#readAll();
  }

  /** All that has been shown. */
  get seen(): string {
    return this.#seen;
  }

  /** Gives it another size; the program in its foreground gets WINCH. */
  resize({ rows, columns }: PtySize): void {
    libc.ioctl(this.#master, TIOCSWINSZ, new Uint8Array(Uint16Array.of(rows, columns, 0, 0).buffer));
  }

  /** Types. */
  type(text: string): void {
    const bytes = new TextEncoder().encode(text);
    if (Number(libc.write(this.#master, bytes, BigInt(bytes.length))) !== bytes.length) {
      throw new Error(`the terminal does not take ${JSON.stringify(text)}`);
    }
  }

  /** Waits until what has been shown matches. */
  async shows(pattern: RegExp, withinMs = 10_000): Promise<string> {
    const found = await eventually(() => pattern.test(this.#seen) && this.#seen, {
      what: `${pattern} on the terminal`,
      withinMs,
      everyMs: 5,
    }).catch((error: unknown) => {
      throw new Error(`the terminal shows ${JSON.stringify(this.#seen)}`, { cause: error });
    });
    return found;
  }

  /** The modes of the terminal, as `stty -a` tells them. */
  async modes(): Promise<string> {
    const { stdout } = await new Deno.Command("stty", { args: ["-a", "-F", this.path], stdin: "null" }).output();
    return new TextDecoder().decode(stdout);
  }

  /** Runs a program as the leader of a session whose terminal this is. */
  start(argv: readonly string[], env: Readonly<Record<string, string>>): RunningProgram {
    return new RunningProgram(["setsid", "-c", ...argv], { env, redirect: `<>${this.path} >&0 2>&0` });
  }

  /** The same, to its end. */
  async run(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<ProgramResult> {
    await using program = this.start(argv, env);
    return await program.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#reading;
    this.#slave.close();
    libc.close(this.#master);
  }

  async #readAll(): Promise<void> {
    const buffer = new Uint8Array(4096);
    const decoder = new TextDecoder();
    while (!this.#stop.signal.aborted) {
      const length = Number(libc.read(this.#master, buffer, BigInt(buffer.length)));
      if (length > 0) this.#seen += decoder.decode(buffer.subarray(0, length), { stream: true });
      // Nothing new; the program's side is held open, so there is no end.
      else await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
