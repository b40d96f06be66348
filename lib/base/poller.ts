import { closeFd } from "./libc_files.ts";
import { check, lastErrno, libc } from "./libc.ts";

/**
 * Waiting for descriptors that are not ready. All that wait in this process share one poll(2) on one of Deno's 32 blocking
 * threads: a read(2) that blocks would take a thread for each stream, and could not be called off without losing the bytes
 * it has taken from the pipe by then.
 */

/** What is waited for: bytes to read (or their end), or room to write (or nobody who reads). */
export type Readiness = "readable" | "writable";

const POLLIN = 0x1;
const POLLOUT = 0x4;
const EAGAIN = 11;
const EINTR = 4;
const EFD_CLOEXEC_NONBLOCK = 0o2004000;
/** struct pollfd: an int, then two shorts. */
const pollfdBytes = 8;

interface Waiter {
  readonly fd: number;
  readonly events: number;
  readonly resolve: () => void;
}

const waiters = new Set<Waiter>();
/** Wakes the poll that runs, when who waits has changed. Undefined while none runs. */
let wakeFd: number | undefined;

/**
 * Resolves when `fd` is ready, or has an error or hang-up to tell. Rejects with the signal's reason when that is aborted
 * first. The descriptor must stay open until then.
 */
export async function untilReady(fd: number, readiness: Readiness, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiter: Waiter = { fd, events: readiness === "readable" ? POLLIN : POLLOUT, resolve };
  const onAbort = (): void => {
    waiters.delete(waiter);
    wake();
    reject(signal?.reason);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  waiters.add(waiter);
  try {
    if (wakeFd === undefined) startPolling();
    else wake();
    await promise;
  } finally {
    waiters.delete(waiter);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Reads what is there, into `buffer`: the number of bytes, null at the end, undefined when nothing is there yet. */
export function readNow(fd: number, buffer: Uint8Array): number | null | undefined {
  const result = Number(libc().read(fd, own(buffer), BigInt(buffer.length)));
  if (result === -1 && isNotYet()) return undefined;
  const length = check(result, `read descriptor ${fd}`);
  return length === 0 ? null : length;
}

/** Writes as much as there is room for: the number of bytes, undefined when there is none yet. */
export function writeNow(fd: number, bytes: Uint8Array): number | undefined {
  const result = Number(libc().write(fd, own(bytes), BigInt(bytes.length)));
  if (result === -1 && isNotYet()) return undefined;
  return check(result, `write to descriptor ${fd}`);
}

/**
 * Writes at least one byte, waiting for room on a thread of its own; gives how many. For a descriptor that may block, as
 * those we are given do: Deno's own stdout buffers what follows the last line break, and when somebody has made the pipe
 * non-blocking it forgets how much it has written before the pipe was full, so that bytes come twice.
 */
export async function writeWaiting(fd: number, bytes: Uint8Array): Promise<number> {
  for (;;) {
    const written = Number(await libc().writeWaiting(fd, own(bytes), BigInt(bytes.length)));
    if (written > 0) return written;
    // The thread has kept the errno to itself: one byte more tells it again, or is written after all.
    const one = writeNow(fd, bytes.subarray(0, 1));
    if (one !== undefined) return one;
    await untilReady(fd, "writable");
  }
}

/** FFI refuses shared memory by its type; a view of it is nothing that a caller here could have. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.buffer instanceof ArrayBuffer) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  throw new TypeError("bytes in shared memory cannot be handed to the C library");
}

function isNotYet(): boolean {
  const errno = lastErrno();
  return errno === EAGAIN || errno === EINTR;
}

function startPolling(): void {
  const fd = check(libc().eventfd(0, EFD_CLOEXEC_NONBLOCK), "make an event descriptor");
  wakeFd = fd;
  void pollWhileAwaited(fd);
}

async function pollWhileAwaited(fd: number): Promise<void> {
  while (waiters.size > 0) await pollOnce(fd);
  wakeFd = undefined;
  closeFd(fd);
}

async function pollOnce(wakeUp: number): Promise<void> {
  const polled = [...waiters];
  const table = new DataView(new ArrayBuffer((polled.length + 1) * pollfdBytes));
  for (const [index, { fd, events }] of [{ fd: wakeUp, events: POLLIN }, ...polled].entries()) {
    table.setInt32(index * pollfdBytes, fd, true);
    table.setInt16(index * pollfdBytes + 4, events, true);
  }
  // -1 is EINTR or too little memory: nobody is marked then, and it is asked again.
  await libc().poll(new Uint8Array(table.buffer), BigInt(polled.length + 1), -1);
  if (table.getInt16(6, true) !== 0) readNow(wakeUp, new Uint8Array(8));
  for (const [index, waiter] of polled.entries()) {
    const told = table.getInt16((index + 1) * pollfdBytes + 6, true) !== 0;
    if (told && waiters.delete(waiter)) waiter.resolve();
  }
}

function wake(): void {
  if (wakeFd !== undefined) writeNow(wakeFd, new Uint8Array(new BigUint64Array([1n]).buffer));
}
