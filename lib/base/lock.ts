import { removeIfExists } from "./atomic_file.ts";
import { type Clock, systemClock } from "./clock.ts";
import { systemError } from "./errno.ts";
import { GantryError, isCode } from "./errors.ts";

/** Options of {@link acquireLock}. */
export interface LockOptions {
  /** Who holds the lock, as text (by convention JSON with the pid); others see it when they are refused. */
  readonly content: string;
  /**
   * Whether the lock is refused when the disk has no room for the content. Default true. False for those that free
   * something: they must work on a full disk, and hold a lock that does not say whose it is.
   */
  readonly needsContent?: boolean | undefined;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
  /** Ends the few short waits inside early. */
  readonly signal?: AbortSignal | undefined;
}

/** An exclusive lock that this process holds. Disposing releases it. */
export interface Lock extends AsyncDisposable {
  /** Where the lock's file is. */
  readonly path: string;
  /** Unlinks the file and lets go. Doing it twice does no harm. */
  release(): Promise<void>;
}

/** How often to look again while others only ask: {@link isLocked} of another process holds it for microseconds. */
const askedAttempts = 100;
/** How often to look again for the name of a holder that has just taken the lock and not said who it is yet. */
const namelessAttempts = 5;
const pauseMs = 10;

/**
 * Takes the exclusive lock at `path` (flock(2) on a file made with mode 0600), without waiting for a holder. The kernel
 * releases it when this process dies, however it dies; only the file stays, and the next one takes it over. Children do
 * not inherit it: the descriptor is close-on-exec.
 * Fails with `failed_precondition` when somebody has it; the message carries the holder's content.
 */
export async function acquireLock(path: string, options: LockOptions): Promise<Lock> {
  const { clock = systemClock, signal } = options;
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    const outcome = await tryAcquire(path);
    if (typeof outcome === "object") return await own(outcome, path, options);
    if (outcome === "held") {
      // Undefined: released meanwhile.
      const holder = await lockHolder(path);
      if (holder || attempt >= namelessAttempts) throw heldBy(path, holder);
    }
    if (attempt >= askedAttempts) throw heldBy(path, undefined);
    await clock.sleep(pauseMs, { signal });
  }
}

/** True while some process holds the lock at `path`. */
export async function isLocked(path: string): Promise<boolean> {
  using file = await openIfExists(path);
  // Shared, so that two who only ask do not take each other for a holder.
  return file !== undefined && !await file.tryLock(false);
}

/** The content of the lock at `path` while some process holds it; undefined when nobody does. */
export async function lockHolder(path: string): Promise<string | undefined> {
  using file = await openIfExists(path);
  if (file === undefined || await file.tryLock(false)) return undefined;
  return await new Response(file.readable).text();
}

/** Opens and locks the file at `path`: the file, or whether another holds it or others only ask about it. */
async function tryAcquire(path: string): Promise<Deno.FsFile | "held" | "asked"> {
  for (;;) {
    const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 })
      .catch((error) => {
        throw systemError(error, `open the lock ${path}`);
      });
    try {
      if (!await file.tryLock(true)) {
        // A shared lock is refused by a holder's exclusive one only.
        const asked = await file.tryLock(false);
        file.close();
        return asked ? "asked" : "held";
      }
      // The former holder may have unlinked the file between our open and our lock: then we locked a file that nobody
      // else can find, and whoever comes next would lock another.
      if (await isSameFile(file, path)) return file;
    } catch (error) {
      file.close();
      throw systemError(error, `lock ${path}`);
    }
    file.close();
  }
}

async function isSameFile(file: Deno.FsFile, path: string): Promise<boolean> {
  try {
    const [ours, theirs] = await Promise.all([file.stat(), Deno.stat(path)]);
    return ours.ino === theirs.ino && ours.dev === theirs.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function own(file: Deno.FsFile, path: string, { content, needsContent = true }: LockOptions): Promise<Lock> {
  let held = true;
  const release = async (): Promise<void> => {
    if (!held) return;
    held = false;
    try {
      // Still under the lock, so it is our own file that goes, unless somebody replaced it behind our back.
      if (await isSameFile(file, path)) await removeIfExists(path);
    } finally {
      file.close();
    }
  };
  try {
    await file.truncate(0);
    const bytes = new TextEncoder().encode(content);
    let written = 0;
    while (written < bytes.length) written += await file.write(bytes.subarray(written));
  } catch (cause) {
    const error = systemError(cause, `write the lock ${path}`);
    if (needsContent || !isCode(error, "resource_exhausted")) {
      await release();
      throw error;
    }
  }
  return { path, release, [Symbol.asyncDispose]: release };
}

async function openIfExists(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw systemError(error, `open the lock ${path}`);
  }
}

function heldBy(path: string, holder: string | undefined): GantryError {
  const who = holder?.trim() || "a process that has not said who it is";
  return new GantryError("failed_precondition", `${path} is locked by ${who}`, {
    hint: "stop the process that holds it, or use another directory",
  });
}
