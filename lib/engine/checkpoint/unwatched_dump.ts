import type { Clock } from "../../base/clock.ts";
import { inventory } from "./archive_layout.ts";
import type { CheckpointPaths } from "./checkpoint_paths.ts";
import { exists } from "./directories.ts";

/**
 * A dump goes on when whoever asked for it is gone: with the call runc is killed, CRIU is not, and it ends the container too
 * if that was asked for. It must not be ended, for its code may be running inside of the container's processes.
 */

const pollMs = 20;
const tailBytes = 4096;

/** True when CRIU wrote a whole checkpoint. */
export async function isDumped({ images, work }: CheckpointPaths): Promise<boolean> {
  return await exists(`${images}/${inventory}`) && /Dumping finished successfully/.test(endOf(`${work}/dump.log`));
}

/** Waits until no CRIU writes to a checkpoint any more. */
export async function untilUnwatchedEnd({ work }: CheckpointPaths, clock: Clock): Promise<void> {
  const log = await Deno.realPath(`${work}/dump.log`).catch(() => undefined);
  if (log === undefined) return;
  while (isHeld(log)) await clock.sleep(pollMs);
}

/** True while a process has the file open. Only root sees those of others; for anybody else nobody has. */
function isHeld(path: string): boolean {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      for (const fd of Deno.readDirSync(`/proc/${name}/fd`)) {
        if (Deno.readLinkSync(`/proc/${name}/fd/${fd.name}`) === path) return true;
      }
    } catch {
      // It ended, or is not ours to look into.
    }
  }
  return false;
}

function endOf(path: string): string {
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    file.seekSync(Math.max(0, size - tailBytes), Deno.SeekMode.Start);
    const bytes = new Uint8Array(tailBytes);
    return new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
  } catch {
    return "";
  }
}
