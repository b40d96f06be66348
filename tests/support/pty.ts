/** A program on a terminal of its own, as a person has it: typed into, read, resized, looked at with stty(1). */
import { eventually } from "./eventually.ts";

const libc = Deno.dlopen("libc.so.6", {
  posix_openpt: { parameters: ["i32"], result: "i32" },
  grantpt: { parameters: ["i32"], result: "i32" },
  unlockpt: { parameters: ["i32"], result: "i32" },
  ptsname_r: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const TIOCSWINSZ = 0x5414n;
const pollMs = 5;

/** Options of {@link PtyProgram}. */
export interface PtyOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Size at the start; default 80 × 24. */
  readonly size?: { readonly columns: number; readonly rows: number } | undefined;
  /** Redirections in the shell's words that replace the terminal, e.g. `</dev/null`. */
  readonly redirect?: string | undefined;
}

/** A program whose controlling terminal is a new pty. Disposing kills it. */
export class PtyProgram implements AsyncDisposable {
  /** The terminal, e.g. `/dev/pts/3`. */
  readonly path: string;
  readonly pid: number;
  readonly #master: number;
  readonly #child: Deno.ChildProcess;
  #out = "";
  #ended = false;
  #polling = true;
  readonly #polled: Promise<void>;

  constructor(argv: readonly string[], options: PtyOptions) {
    const { columns, rows } = options.size ?? { columns: 80, rows: 24 };
    this.#master = libc.posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    const name = new Uint8Array(64);
    const failed = libc.grantpt(this.#master) + libc.unlockpt(this.#master) + libc.ptsname_r(this.#master, name, 64n);
    if (this.#master < 0 || failed !== 0) throw new Error("no pty can be had");
    this.path = new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
    this.resize(columns, rows);
    // setsid -c makes the terminal on stdin the controlling one, and keeps the pid: sh leads no process group.
    const script = `exec setsid -c "$@" <"$0" >"$0" 2>&1`;
    const inner = options.redirect === undefined ? argv : ["sh", "-c", `exec "$@" ${options.redirect}`, "sh", ...argv];
    this.#child = new Deno.Command("sh", {
      args: ["-c", script, this.path, ...inner],
      env: { ...options.env },
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.pid = this.#child.pid;
    this.#child.status.then(() => this.#ended = true);
    this.#polled = this.#poll();
  }

  /** What it has shown so far. */
  get out(): string {
    return this.#out;
  }

  /** Tells the terminal another size; the kernel then sends SIGWINCH to its foreground. */
  resize(columns: number, rows: number): void {
    libc.ioctl(this.#master, TIOCSWINSZ, new Uint8Array(Uint16Array.of(rows, columns, 0, 0).buffer));
  }

  /** Types. */
  type(text: string): void {
    const bytes = new TextEncoder().encode(text);
    libc.write(this.#master, bytes, BigInt(bytes.length));
  }

  /** Sends it a signal. */
  signal(name: Deno.Signal): void {
    if (!this.#ended) Deno.kill(this.pid, name);
  }

  /** The terminal's settings in words. */
  async settings(): Promise<string> {
    const { stdout } = await new Deno.Command("stty", { args: ["-a", "-F", this.path], stdin: "null" }).output();
    // The size is no setting.
    return new TextDecoder().decode(stdout).replace(/rows \d+; columns \d+; /, "");
  }

  /** Waits until what it has shown matches. */
  async untilOut(pattern: RegExp): Promise<string> {
    return await eventually(() => {
      if (pattern.test(this.#out)) return this.#out;
      if (this.#ended) throw new Error(`ended without ${pattern}:\n${this.#out}`);
      return undefined;
    }, { what: `${pattern} on the terminal (shown: ${JSON.stringify(this.#out)})`, everyMs: pollMs });
  }

  /** Waits for its end. */
  async ended(withinMs = 60_000): Promise<{ readonly code: number; readonly out: string }> {
    await eventually(() => this.#ended, {
      what: `the end of pid ${this.pid} (shown: ${this.#out})`,
      withinMs,
      everyMs: 5,
    });
    const { code } = await this.#child.status;
    this.#drain();
    return { code, out: this.#out };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#child.status;
    this.#polling = false;
    await this.#polled;
    libc.close(this.#master);
  }

  async #poll(): Promise<void> {
    while (this.#polling) {
      this.#drain();
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  #drain(): void {
    const buffer = new Uint8Array(64 << 10);
    for (;;) {
      const length = Number(libc.read(this.#master, buffer, BigInt(buffer.length)));
      if (length <= 0) return;
      this.#out += new TextDecoder().decode(buffer.subarray(0, length));
    }
  }
}
