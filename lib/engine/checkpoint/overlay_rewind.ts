import { systemError } from "../../base/errno.ts";
import type { ContainerPaths } from "../container_paths.ts";
import { applyRootfsDiff } from "./apply_rootfs_diff.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";
import { exists, removeTree } from "./directories.ts";

/** Takes what a container changed in its overlay back to what a checkpoint saved, with a way back. */
export interface OverlayRewind {
  /** Puts the saved changes in the place of the present ones. The overlay must not be mounted. */
  apply(): Promise<void>;
  /** Undoes {@link apply}. */
  undo(): Promise<void>;
  /** Forgets what was there before. */
  settle(): Promise<void>;
}

/** Unpacks the saved changes beside the present ones, which stay in force until `apply`. Fails without a trace. */
export async function prepareRewind(
  container: ContainerPaths,
  checkpoint: CheckpointPaths,
  { lower, signal }: { readonly lower: string; readonly signal: AbortSignal | undefined },
): Promise<OverlayRewind> {
  const upper = container.overlayUpper;
  const [next, before] = [`${upper}.next`, `${upper}.before`];
  // A restore that was killed between two renames left the changes aside.
  if (!await exists(upper) && await exists(before)) await rename(before, upper);
  for (const path of [next, before]) await removeTree(path);
  try {
    await Deno.mkdir(next, { recursive: true, mode: 0o755 });
    await Deno.chmod(next, 0o755);
    await applyRootfsDiff(checkpoint, { kind: "overlay", upper: next, lowers: [lower] }, { signal });
  } catch (error) {
    await removeTree(next).catch(() => {});
    throw error;
  }
  return {
    async apply() {
      if (await exists(upper)) await rename(upper, before);
      await rename(next, upper);
    },
    async undo() {
      if (!await exists(before)) return await removeTree(next);
      await removeTree(upper);
      await rename(before, upper);
    },
    settle: () => removeTree(before),
  };
}

async function rename(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    throw systemError(error, `rename ${from}`);
  }
}
