/**
 * How tasks ended whose shims were lost: in files beside the bundles, so that every process gives the same answer until the
 * task is deleted. They tell something only while there is no bundle of that id.
 */
import { readTextIfExists, removeIfExists } from "../base/atomic_file.ts";
import { booleanField, integerField } from "../base/json.ts";
import { getLogger } from "../base/log.ts";
import type { ExitStatus } from "../wire/task.ts";
import { type Bundle, jsonRecord, lostFileOf } from "./bundle.ts";

const log = getLogger("shim");

/** 128 + SIGKILL: what containerd reports for a container whose shim it lost. */
export const lostCode = 137;

/**
 * Notes how a lost task ended, before its bundle is removed, and gives the end that counts: the one that an earlier
 * clean-up noted before it was cut off. On a full disk it is not kept: freeing what the task holds is worth more.
 */
export async function keepLost(bundle: Bundle, exit: ExitStatus): Promise<ExitStatus> {
  const path = lostFileOf(bundle);
  try {
    const known = parseExit(await readTextIfExists(path));
    if (known !== undefined) return known;
    // Not renamed into place: nobody reads it before the bundle has gone.
    await Deno.writeTextFile(path, JSON.stringify(exit), { mode: 0o600 });
  } catch (error) {
    log.warning("how a task ended whose shim was lost is not kept", { id: bundle.id, error });
  }
  return exit;
}

/** How a lost task ended; undefined when none of that id was lost, or it was deleted. */
export async function readLost(bundle: Bundle): Promise<ExitStatus | undefined> {
  const path = lostFileOf(bundle);
  const text = await readTextIfExists(path);
  if (text === undefined) return undefined;
  // Cut off by a full disk: that it was lost is what it says in any case.
  return parseExit(text) ?? { code: lostCode, exitedAt: await writtenAt(path), exact: false };
}

/** The same, and it is then forgotten: of several who take it one gets it. */
export async function takeLost(bundle: Bundle): Promise<ExitStatus | undefined> {
  const exit = await readLost(bundle);
  return exit !== undefined && await removeIfExists(lostFileOf(bundle)) ? exit : undefined;
}

/** Forgets an earlier task of that id. Synchronous: it is on the way of every run. */
export function forgetLost(bundle: Bundle): void {
  try {
    Deno.removeSync(lostFileOf(bundle));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) log.debug("a lost task is not forgotten", { id: bundle.id, error });
  }
}

function parseExit(text: string | undefined): ExitStatus | undefined {
  const record = jsonRecord(text);
  const [code, exitedAt] = [integerField(record, "code"), integerField(record, "exitedAt")];
  const exact = booleanField(record, "exact");
  return code === undefined || exitedAt === undefined || exact === undefined ? undefined : { code, exitedAt, exact };
}

async function writtenAt(path: string): Promise<number> {
  const { mtime } = await Deno.stat(path).catch(() => ({ mtime: null }));
  return mtime?.getTime() ?? 0;
}
