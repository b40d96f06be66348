/**
 * The processes that belong to one folder. They may be killed on the strength of this, so it errs on the side of finding
 * too few: a process counts only if it started after the caller and names the folder in what is its own (its
 * arguments, environment, working folder, or the root of its own mount namespace), or descends from one that does. The
 * mount table as a whole is no evidence: every process of the machine sees the same one.
 */

/** A process at one moment. */
export interface ScopedProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid, an identity. */
  readonly startTime: bigint;
  /** /proc/PID/comm. */
  readonly program: string;
  /** Its arguments, joined by blanks. */
  readonly command: string;
}

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly startTime: bigint;
  readonly state: string;
  readonly program: string;
}

/** The processes of `scope`, an absolute path; never the caller or one that is older than it. */
export async function scopedProcesses(scope: string): Promise<readonly ScopedProcess[]> {
  if (!/^\/[^/]+\/./.test(scope)) throw new RangeError(`${scope} is no folder of a test`);
  const entries = await processTable();
  const own = entries.get(Deno.pid);
  if (own === undefined) throw new Error("cannot read /proc/self/stat");
  const young = [...entries.values()].filter((entry) => entry.pid !== own.pid && entry.startTime >= own.startTime);
  const marked = new Set<number>();
  await Promise.all(young.map(async ({ pid }) => {
    if (await names(pid, scope)) marked.add(pid);
  }));
  // Parents have smaller start times than their children, so one pass in that order finds every descendant.
  young.sort((a, b) => a.startTime < b.startTime ? -1 : a.startTime > b.startTime ? 1 : a.pid - b.pid);
  for (const { pid, parent } of young) if (marked.has(parent)) marked.add(pid);
  // A zombie is its parent's to reap (without an init that reaps, it stays for ever) and holds nothing.
  const found = young.filter(({ pid, state }) => marked.has(pid) && state !== "Z" && state !== "X");
  return await Promise.all(found.map(async ({ pid, startTime, program }) => ({
    pid,
    startTime,
    program,
    command: (await readText(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").trim(),
  })));
}

/** Kills a process if it still is the one that was found. */
export async function killProcess({ pid, startTime }: ScopedProcess): Promise<void> {
  if ((await readEntry(pid))?.startTime !== startTime) return;
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

/** Every process of the machine by its pid. */
export async function processTable(): Promise<ReadonlyMap<number, Entry>> {
  const table = new Map<number, Entry>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const entry = await readEntry(Number(name));
    if (entry !== undefined) table.set(entry.pid, entry);
  }
  return table;
}

async function readEntry(pid: number): Promise<Entry | undefined> {
  const stat = await readText(`/proc/${pid}/stat`);
  const end = stat.lastIndexOf(")");
  const fields = stat.slice(end + 2).split(" ");
  const [state, parent, startTime] = [fields[0], fields[1], fields[19]];
  if (end < 0 || state === undefined || startTime === undefined) return undefined;
  return {
    pid,
    parent: Number(parent),
    startTime: BigInt(startTime),
    state,
    program: stat.slice(stat.indexOf("(") + 1, end),
  };
}

async function names(pid: number, scope: string): Promise<boolean> {
  const mention = new RegExp(`${RegExp.escape(scope)}(?![\\w.-])`);
  if (mention.test(await readLink(`/proc/${pid}/cwd`))) return true;
  if (mention.test(await readText(`/proc/${pid}/cmdline`))) return true;
  if (mention.test(await readText(`/proc/${pid}/environ`))) return true;
  // A container knows nothing of us, but its root is a folder of ours.
  const namespace = await readLink(`/proc/${pid}/ns/mnt`);
  if (namespace === "" || namespace === await readLink("/proc/self/ns/mnt")) return false;
  const mounts = (await readText(`/proc/${pid}/mountinfo`)).split("\n");
  return mounts.some((line) => line.split(" ")[4] === "/" && mention.test(line));
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return ""; // The process is gone, or not ours to read.
  }
}

async function readLink(path: string): Promise<string> {
  try {
    return await Deno.readLink(path);
  } catch {
    return "";
  }
}
