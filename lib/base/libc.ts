import { errnoError, errnoName } from "./errno.ts";
import { GantryError } from "./errors.ts";

/**
 * The C library through Deno's FFI: what Deno itself has no call for. Calls are synchronous but for two: an asynchronous one
 * runs on another thread, whose errno cannot be read here, and takes one of Deno's 32 blocking threads.
 */
const definitions = {
  __errno_location: { parameters: [], result: "pointer" },
  close: { parameters: ["i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  mkfifo: { parameters: ["buffer", "u32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  // The two calls that wait: they run on threads of their own, where their errno cannot be looked at.
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  posix_spawn: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  posix_spawn_file_actions_addchdir_np: { parameters: ["buffer", "buffer"], result: "i32" },
  posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  posix_spawn_file_actions_addopen: { parameters: ["buffer", "i32", "buffer", "i32", "u32"], result: "i32" },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
  posix_spawnattr_setsigdefault: { parameters: ["buffer", "buffer"], result: "i32" },
  posix_spawnattr_setsigmask: { parameters: ["buffer", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64"], result: "i64" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  writeWaiting: { name: "write", parameters: ["i32", "buffer", "usize"], result: "isize", nonblocking: true },
} as const satisfies Deno.ForeignLibraryInterface;

/** What few commands call. Each function costs 0.2 ms when the library is opened. */
const rareDefinitions = {
  cfmakeraw: { parameters: ["buffer"], result: "void" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
  tcsetattr: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of the C library that running a container takes. */
export type Libc = Deno.DynamicLibrary<typeof definitions>["symbols"];
/** The others. */
export type RareLibc = Deno.DynamicLibrary<typeof rareDefinitions>["symbols"];

interface Loaded {
  readonly symbols: Libc;
  readonly errno: Deno.UnsafePointerView;
}

let loaded: Loaded | undefined;
let rare: RareLibc | undefined;

/** The C library, opened at the first call (1.5–5 ms) and kept for the life of the process. */
export function libc(): Libc {
  return load().symbols;
}

/** The functions that few commands call, likewise. */
export function rareLibc(): RareLibc {
  // Errors are read through the others.
  load();
  return rare ??= open(rareDefinitions);
}

/**
 * Opens the C library now. Tests call this at the top of their module: opened inside a test, the library would count as
 * a resource that the test leaks.
 */
export function loadLibc(): void {
  rareLibc();
}

/** syscall(2): for what glibc has had no wrapper for long enough. Gives -1 on failure, as the wrappers do. */
export function systemCall(number: number, ...values: readonly number[]): number {
  const [a = 0, b = 0, c = 0, d = 0] = values;
  return Number(libc().syscall(BigInt(number), BigInt(a), BigInt(b), BigInt(c), BigInt(d)));
}

/** `result` as a number when it is not -1; otherwise the errno as an error. `attempt` completes "cannot …". */
export function check(result: number | bigint, attempt: string): number {
  if (Number(result) !== -1) return Number(result);
  throw errnoError(errnoName(lastErrno()), attempt);
}

/** errno of the call made just before. Nothing may come between: any call of the runtime can overwrite it. */
export function lastErrno(): number {
  return load().errno.getInt32();
}

/** `text` as a C string. A NUL inside would silently cut it: that is `invalid_argument`. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) {
    throw new GantryError("invalid_argument", `${JSON.stringify(text)} contains a NUL character`);
  }
  return new TextEncoder().encode(`${text}\0`);
}

function load(): Loaded {
  if (loaded !== undefined) return loaded;
  const symbols = open(definitions);
  // Constant for a thread; JavaScript of one isolate runs on one thread.
  const location = symbols.__errno_location();
  if (location === null) throw new GantryError("internal", "libc gave no address of errno");
  loaded = { symbols, errno: new Deno.UnsafePointerView(location) };
  return loaded;
}

function open<T extends Deno.ForeignLibraryInterface>(functions: T): Deno.DynamicLibrary<T>["symbols"] {
  try {
    return Deno.dlopen("libc.so.6", functions).symbols;
  } catch (error) {
    throw new GantryError("unimplemented", "cannot load libc.so.6", {
      hint: "gantry needs Linux with the GNU C library, and Deno's --allow-ffi",
      cause: error,
    });
  }
}
