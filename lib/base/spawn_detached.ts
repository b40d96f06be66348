import type { Clock } from "./clock.ts";
import { errnoError, errnoName } from "./errno.ts";
import { check, cString, libc } from "./libc.ts";
import { closeFd, closeOnExecFrom, openFlags } from "./libc_files.ts";
import { reap, type ReapedProcess } from "./libc_process.ts";

/** What {@link spawnDetached} runs. */
export interface SpawnOptions {
  /** Without the program's own name. */
  readonly args: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly cwd: string;
  /** Where its stdin comes from; default /dev/null. */
  readonly stdin?: number | undefined;
  /** What its descriptor 3 is; default it has none. */
  readonly third?: number | undefined;
}

/** POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK and POSIX_SPAWN_SETSID of <spawn.h>. */
const spawnFlags = 0x04 | 0x08 | 0x80;
/** More than either of posix_spawn's two objects takes with any C library. */
const objectBytes = 512;
/** Bytes of a sigset_t. */
const signalSetBytes = 128;
const pollMs = 2;

/** A child in a session of its own that does not keep this process alive. It must be reaped, or this process end. */
export class DetachedChild {
  readonly pid: number;
  #end: ReapedProcess | undefined;

  constructor(pid: number) {
    this.pid = pid;
  }

  /** True once it has ended; it is reaped then. */
  get hasEnded(): boolean {
    this.#end ??= reap(this.pid);
    return this.#end !== undefined;
  }

  /** Waits until it has ended. */
  async ended({ clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined }): Promise<void> {
    while (!this.hasEnded) await clock.sleep(pollMs, { signal });
  }
}

/**
 * Runs a program in a session of its own, with nothing of our streams and descriptors but what `stdin` names. By
 * posix_spawn(3): `Deno.Command` takes 4 ms at its first use, and forks, which takes as long again with the memory that V8
 * has mapped. `program` is an absolute path. All our descriptors are made close-on-exec first: one that were to inherit a pipe
 * of our caller would make a `$(…)` wait for it.
 */
export function spawnDetached(program: string, options: SpawnOptions): DetachedChild {
  const { args, env, cwd, stdin, third } = options;
  const c = libc();
  closeOnExecFrom(3);
  const kept: Uint8Array<ArrayBuffer>[] = [];
  const text = (value: string): Uint8Array<ArrayBuffer> => {
    const bytes = cString(value);
    kept.push(bytes);
    return bytes;
  };
  const path = text(program);
  const argv = pointers([path, ...args.map(text)]);
  const envp = pointers(Object.entries(env).map(([name, value]) => text(`${name}=${value}`)));
  const actions = new Uint8Array(objectBytes);
  const attributes = new Uint8Array(objectBytes);
  const attempt = `run ${program}`;
  succeed(c.posix_spawn_file_actions_init(actions), attempt);
  try {
    const devNull = text("/dev/null");
    if (stdin === undefined) {
      succeed(c.posix_spawn_file_actions_addopen(actions, 0, devNull, openFlags.readOnly, 0), attempt);
    } else {
      succeed(c.posix_spawn_file_actions_adddup2(actions, stdin, 0), attempt);
    }
    for (const fd of [1, 2]) {
      succeed(c.posix_spawn_file_actions_addopen(actions, fd, devNull, openFlags.writeOnly, 0), attempt);
    }
    if (third !== undefined) succeed(c.posix_spawn_file_actions_adddup2(actions, third, 3), attempt);
    succeed(c.posix_spawn_file_actions_addchdir_np(actions, text(cwd)), attempt);
    succeed(c.posix_spawnattr_init(attributes), attempt);
    succeed(c.posix_spawnattr_setflags(attributes, spawnFlags), attempt);
    // Deno ignores SIGPIPE, which a child would inherit.
    succeed(c.posix_spawnattr_setsigdefault(attributes, new Uint8Array(signalSetBytes).fill(0xff)), attempt);
    succeed(c.posix_spawnattr_setsigmask(attributes, new Uint8Array(signalSetBytes)), attempt);
    const pid = new Int32Array(1);
    succeed(c.posix_spawn(pid, path, actions, attributes, argv, envp), attempt);
    return new DetachedChild(pid[0] ?? 0);
  } finally {
    c.posix_spawn_file_actions_destroy(actions);
    // The strings are pointed to, and not held, by the arrays.
    kept.length = 0;
  }
}

/**
 * The same for a program that is to act when this process ends, however it comes: its stdin is a pipe that ends then. Gives
 * the other end, too; who never closes it leaves that to the kernel.
 */
export function spawnWatcher(
  program: string,
  options: Omit<SpawnOptions, "stdin">,
): { readonly child: DetachedChild; readonly writer: number } {
  const { reader, writer } = openPipe();
  try {
    return { child: spawnDetached(program, { ...options, stdin: reader }), writer };
  } catch (error) {
    closeFd(writer);
    throw error;
  } finally {
    closeFd(reader);
  }
}

/** A pipe whose ends no child inherits; both are the caller's to close. */
export function openPipe(): { readonly reader: number; readonly writer: number } {
  const ends = new Int32Array(2);
  check(libc().pipe2(ends, openFlags.closeOnExec), "make a pipe");
  const [reader = -1, writer = -1] = ends;
  return { reader, writer };
}

/** An array of C strings that ends with NULL. */
function pointers(strings: readonly Uint8Array<ArrayBuffer>[]): BigUint64Array<ArrayBuffer> {
  const array = new BigUint64Array(strings.length + 1);
  strings.forEach((bytes, index) => {
    array[index] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  });
  return array;
}

/** These functions return the error number itself. */
function succeed(result: number, attempt: string): void {
  if (result !== 0) throw errnoError(errnoName(result), attempt);
}
