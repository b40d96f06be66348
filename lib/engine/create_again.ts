import { isCode, messageOf } from "../base/errors.ts";
import { freeForStart } from "./free_for_start.ts";
import { removeForgottenBundle, removeResidue, type ResidueOptions } from "./residue.ts";
import type { Task } from "./task.ts";

/** A create that was cut off is over by then, unless it has left something. */
const settleMs = 1000;
/** How long containerd may take to notice that what was left has gone. */
const patienceMs = 10_000;
const pollMs = 50;

/** Whose new task, and how to wait. */
export interface CreateAgainOptions extends ResidueOptions {
  /** What the container is called in messages. */
  readonly name: string;
  /** Waits for a connection when there is none. Default false. */
  readonly waitForReady?: boolean | undefined;
}

/**
 * Makes a new task of a stored container, with {@link freeForStart} before. A command that was killed while it did the same
 * leaves a create that containerd is still ending, and more than that when it hit the shim's start: containerd then knows
 * no such task and refuses another, because of a shim (2.1) or a bundle (1.6, 1.7). That is cleared away.
 */
export async function createAgain<T>(task: Task, create: () => Promise<T>, options: CreateAgainOptions): Promise<T> {
  const { name, clock, signal, waitForReady } = options;
  const start = clock.monotonic();
  let cleared = false;
  for (;;) {
    await freeForStart(task, name, { signal, waitForReady });
    try {
      return await create();
    } catch (error) {
      const elapsed = clock.monotonic() - start;
      const bundle = bundleInTheWay(error);
      if ((bundle === undefined && !isCode(error, "already_exists")) || elapsed > patienceMs) throw error;
      if (elapsed >= settleMs && !cleared) {
        cleared = true;
        if (bundle !== undefined) await removeForgottenBundle(bundle, task.id, options);
        await removeResidue(task.id, options);
      }
      await clock.sleep(pollMs, { signal });
    }
  }
}

/** The directory that containerd could not make because it was there; an error without a class. */
function bundleInTheWay(error: unknown): string | undefined {
  return /(?:^|: )mkdir (\/.+): file exists/.exec(messageOf(error))?.[1];
}
