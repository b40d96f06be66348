/**
 * What a test must not leave behind: processes, mounts, cgroups, sockets, state folders and network namespaces.
 *
 * Several suites may run on one machine, so a look can be narrowed to one folder (`scope`): see scoped_processes.ts for
 * which processes then count. Nobody can say whose an empty cgroup is: they count in a look at the whole machine, and the
 * tests' own (`container_remains.ts`) look for those of the containers they made. `scripts/run_tests.ts` puts the folder of a run into TMPDIR and GANTRY_TEST_SCOPE, and every
 * child inherits them.
 */
import assert from "node:assert/strict";
import { processTable, type ScopedProcess, scopedProcesses } from "./scoped_processes.ts";

/** What exists at one moment: a stable key of each thing and a line for people. */
export interface Snapshot {
  /** Only things of this folder are looked at; undefined means the whole machine. */
  readonly scope: string | undefined;
  readonly things: ReadonlyMap<string, string>;
}

/** Options of {@link snapshot}. */
export interface SnapshotOptions {
  /** Narrows the look to one folder. Default: the whole machine. */
  readonly scope?: string | undefined;
}

/** Options of {@link assertNothingLeft}. */
export interface NothingLeftOptions {
  /** How long things may take to go away, in milliseconds: shims end after their last reply. Default: 5000. */
  readonly withinMs?: number | undefined;
}

/** Programs whose processes are counted in a look at the whole machine, beside everything inside a container. */
const programs = /^(containerd|containerd-shim.*|ctr|runc|crun|criu|gantry)$/;

/** Looks at the machine. Take one before a test and give it to {@link assertNothingLeft} at its end. */
export async function snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
  const { scope } = options;
  const groups = await Promise.all([
    processes(scope),
    mounts(scope),
    scope === undefined ? cgroups() : [],
    // Their names are hashes: on a shared machine nobody can say whose one is.
    scope === undefined ? shimSockets() : [],
    entries("/run", /^gantry/, scope),
    entries("/run/netns", /./, undefined),
  ]);
  return { scope, things: new Map(groups.flat()) };
}

/** Fails with a list of what is there now and was not there before, once it had time to go away. */
export async function assertNothingLeft(before: Snapshot, options: NothingLeftOptions = {}): Promise<void> {
  const left = await leftSince(before, options);
  assert.deepEqual(left, [], `${left.length} things were left behind`);
}

/** What {@link assertNothingLeft} would complain about. Another suite's cgroups come and go meanwhile: only what stays counts. */
export async function leftSince(before: Snapshot, options: NothingLeftOptions = {}): Promise<readonly string[]> {
  const end = Date.now() + (options.withinMs ?? 5000);
  let left = await newThings(before);
  while (left.size > 0 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = await newThings(before);
    // By key: a process that executes another program meanwhile is the same one under another line.
    left = new Map([...now].filter(([key]) => left.has(key)));
  }
  return [...left.values()].sort();
}

/** Mount points below or made of one folder, the innermost first. */
export async function mountsOf(scope: string): Promise<readonly string[]> {
  return (await mounts(scope)).map(([key]) => key.split(" ").at(-1) ?? "").reverse();
}

/** One line for each thing that is there now and was not there in `before`. */
export async function newSince(before: Snapshot): Promise<readonly string[]> {
  return [...(await newThings(before)).values()].sort();
}

async function newThings(before: Snapshot): Promise<ReadonlyMap<string, string>> {
  const now = await snapshot({ scope: before.scope });
  return new Map([...now.things].filter(([key]) => !before.things.has(key)));
}

type Thing = readonly [key: string, line: string];

async function processes(scope: string | undefined): Promise<Thing[]> {
  const found = scope === undefined ? await runtimeProcesses() : await scopedProcesses(scope);
  return found.map(({ pid, startTime, program, command }): Thing => [
    `process ${pid} ${startTime}`,
    `process ${pid} (${program}): ${command.slice(0, 160)}`,
  ]);
}

/** Every daemon, shim, runtime and container of the machine. */
async function runtimeProcesses(): Promise<ScopedProcess[]> {
  const ownNamespace = await readLink("/proc/self/ns/pid");
  const found: ScopedProcess[] = [];
  for (const { pid, startTime, program, state } of (await processTable()).values()) {
    if (state === "Z" || pid === Deno.pid || !await isRuntimeProcess(pid, ownNamespace)) continue;
    const command = (await readText(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").trim();
    found.push({ pid, startTime, program, command });
  }
  return found;
}

/** The 15 letters of /proc/PID/comm cannot tell `containerd-shim`s apart and gantry's is Deno's, so the executable is asked. */
async function isRuntimeProcess(pid: number, ownNamespace: string): Promise<boolean> {
  const namespace = await readLink(`/proc/${pid}/ns/pid`);
  if (namespace !== "" && namespace !== ownNamespace) return true;
  const executable = await readLink(`/proc/${pid}/exe`);
  return programs.test(executable.split("/").at(-1)?.replace(" (deleted)", "") ?? "");
}

async function mounts(scope: string | undefined): Promise<Thing[]> {
  const lines = (await readText("/proc/self/mountinfo")).split("\n").filter((line) => line !== "");
  return lines.filter((line) => scope === undefined || line.includes(scope)).map((line): Thing => {
    const [id, , device, , target] = line.split(" ");
    return [`mount ${id} ${device} ${target}`, `mount ${target}: ${line.split(" - ")[1] ?? ""}`];
  });
}

/**
 * Cgroups without any process in them or below: one that holds a process is reported by the process, if it is ours. The
 * top level is left out: runc makes a container's parent (`/default` for the namespace) and nobody ever removes it.
 */
async function cgroups(): Promise<Thing[]> {
  const roots = (await readText("/proc/self/mountinfo")).split("\n")
    .filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(" ")[4] ?? "");
  const things: Thing[] = [];
  for (const root of roots) await walkCgroup(root, things);
  return things;
}

/** True when the cgroup or one below it holds a process. */
async function walkCgroup(path: string, things: Thing[], depth = 0): Promise<boolean> {
  let busy = (await readText(`${path}/cgroup.procs`)).trim() !== "";
  for (const child of await names(path, /./, "directory")) {
    busy = await walkCgroup(`${path}/${child}`, things, depth + 1) || busy;
  }
  if (!busy && depth > 1) things.push([`cgroup ${path}`, `cgroup ${path}: empty`]);
  return busy;
}

/** Shim sockets that nobody listens on: their names are hashes, so a live one is attributed through its process. */
async function shimSockets(): Promise<Thing[]> {
  const listening = new Set((await readText("/proc/net/unix")).split("\n").map((line) => line.split(" ").at(-1)));
  const things: Thing[] = [];
  for (const name of await names("/run/containerd/s", /./)) {
    const path = `/run/containerd/s/${name}`;
    if (!listening.has(path)) things.push([`socket ${path}`, `socket ${path}: nobody listens`]);
  }
  return things;
}

async function entries(folder: string, pattern: RegExp, scope: string | undefined): Promise<Thing[]> {
  if (scope !== undefined && !folder.startsWith(scope)) return [];
  return (await names(folder, pattern)).map((name): Thing => [`entry ${folder}/${name}`, `${folder}/${name} exists`]);
}

async function names(folder: string, pattern: RegExp, kind?: "directory"): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (pattern.test(entry.name) && (kind === undefined || entry.isDirectory)) found.push(entry.name);
    }
  } catch {
    // Gone or never there.
  }
  return found;
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return ""; // The process or cgroup is gone, or not ours to read.
  }
}

async function readLink(path: string): Promise<string> {
  try {
    return await Deno.readLink(path);
  } catch {
    return "";
  }
}
