import { errnoOf } from "../base/errno.ts";
import { getLogger } from "../base/log.ts";
import { type ProcessIdentity, readIdentity } from "../base/proc.ts";
import type { InstancePaths } from "./paths.ts";
import { livingPidRecord, type PidRecord } from "./pidfile.ts";

const log = getLogger("supervisor");

/** A containerd of an instance that is alive, with what is known about its start when a pidfile says so. */
export interface RunningContainerd {
  readonly identity: ProcessIdentity;
  readonly record?: PidRecord | undefined;
}

/**
 * The containerd of this instance, if one is alive: the one the pidfile proves, or else one whose command line ends with
 * `--config` and this instance's file. The second way finds a child whose supervisor was killed before it could write
 * the pidfile; a second containerd on the same root would hang in its database's lock.
 */
export async function findRunning(paths: InstancePaths): Promise<RunningContainerd | undefined> {
  const record = await livingPidRecord(paths);
  if (record !== undefined) return { identity: record.identity, record };
  const found = await scan(paths.config);
  if (found.length > 1) {
    log.warning("several processes run with this instance's configuration", {
      config: paths.config,
      pids: found.map(({ pid }) => pid),
    });
  }
  const [oldest] = found.sort((a, b) => Number(a.startTime - b.startTime));
  return oldest === undefined ? undefined : { identity: oldest };
}

/** Processes of this user whose last two arguments are `--config` and `config`, the same file in their eyes as in ours. */
async function scan(config: string): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const entry of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(entry.name) || Number(entry.name) === Deno.pid) continue;
    const args = read(entry.name, "cmdline").split("\0").slice(0, -1);
    if (args.length < 3 || args.at(-2) !== "--config" || args.at(-1) !== config) continue;
    if (!isOurs(entry.name, config)) continue;
    const identity = await readIdentity(Number(entry.name));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** Anybody can choose a command line, and another mount namespace may have another file under that name. */
function isOurs(pid: string, config: string): boolean {
  try {
    if (Deno.statSync(`/proc/${pid}`).uid !== Deno.uid()) return false;
    const [ours, theirs] = [Deno.statSync(config), Deno.statSync(`/proc/${pid}/root${config}`)];
    return ours.dev === theirs.dev && ours.ino === theirs.ino;
  } catch {
    return false;
  }
}

function read(pid: string, file: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return "";
    if (errnoOf(error) === "ESRCH") return "";
    throw error;
  }
}
