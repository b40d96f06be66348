import type { Clock } from "../base/clock.ts";
import { removeIfExists, writeFileAtomic } from "../base/atomic_file.ts";
import { messageOf } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { type Child, signalChild } from "./child.ts";
import { lastLogLines } from "./log_file.ts";
import type { InstancePaths } from "./paths.ts";

/** What {@link reportHang} needs. */
export interface HangOptions {
  readonly paths: InstancePaths;
  readonly clock: Clock;
  /** Why it is taken to hang. */
  readonly reason: string;
  readonly signal?: AbortSignal | undefined;
}

const log = getLogger("supervisor");

/** How long containerd may take to write its goroutines down. */
const dumpMs = 1000;
const dumpPollMs = 20;
const maxDumpBytes = 4 << 20;
const maxThreads = 500;
/** More reports than this are not kept. */
const keptReports = 5;

/**
 * Writes down what a hanging containerd is doing: the kernel's view of each thread, then its goroutines, which it dumps
 * on SIGUSR1 if it still can. One that was stopped gets SIGCONT after it, so that it can. Gives the report's path;
 * undefined when it could not be written, which is said in the log and stops nothing.
 */
export async function reportHang(child: Child, options: HangOptions): Promise<string | undefined> {
  const { paths, clock, reason } = options;
  const { pid } = child.identity;
  const at = new Date(clock.now()).toISOString();
  const path = `${paths.logDirectory}/hang-${at.replaceAll(":", "")}.txt`;
  try {
    // Before any signal: SIGCONT changes what is to be seen.
    const threads = readThreads(pid);
    const logLines = lastLogLines(paths.log, { count: 20 });
    const goroutines = await goroutineDump(child, options);
    const parts = [
      `containerd ${child.version}, pid ${pid}, hangs: ${reason}`,
      `at ${at}`,
      `\n== threads ==\n${threads}`,
      `\n== last lines of its log ==\n${logLines.join("\n")}`,
      `\n== goroutines ==\n${goroutines ?? `it wrote none within ${dumpMs} ms`}`,
    ];
    await writeFileAtomic(path, `${parts.join("\n")}\n`);
    await removeOldReports(paths.logDirectory);
    return path;
  } catch (error) {
    log.warning("cannot write the hang report", { path, error: messageOf(error) });
    return undefined;
  }
}

/** One paragraph a thread: name, state, where in the kernel it waits. */
function readThreads(pid: number): string {
  const paragraphs: string[] = [];
  let ids: string[];
  try {
    ids = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name).sort((a, b) => Number(a) - Number(b));
  } catch {
    return "the process is gone";
  }
  for (const id of ids.slice(0, maxThreads)) {
    const file = (name: string): string => read(`/proc/${pid}/task/${id}/${name}`).trim();
    const state = /^State:\s*(.*)$/m.exec(file("status"))?.[1] ?? "?";
    const lines = [`thread ${id} (${file("comm")}) state ${state}`, `  wchan ${file("wchan")}`];
    const syscall = file("syscall");
    if (syscall !== "") lines.push(`  syscall ${syscall}`);
    const stack = file("stack");
    if (stack !== "") lines.push(...stack.split("\n").map((line) => `  ${line}`));
    paragraphs.push(lines.join("\n"));
  }
  if (ids.length > maxThreads) paragraphs.push(`and ${ids.length - maxThreads} more`);
  return paragraphs.join("\n");
}

/** What containerd writes on SIGUSR1 into a file of its temporary directory (cmd/containerd/command/main_unix.go). */
async function goroutineDump(child: Child, { paths, clock, signal }: HangOptions): Promise<string | undefined> {
  const path = `${paths.containerdTemp}/containerd.${child.identity.pid}.stacks.log`;
  await removeIfExists(path);
  if (!await signalChild(child, "USR1")) return undefined;
  await signalChild(child, "CONT");
  const end = clock.monotonic() + dumpMs;
  let size = 0;
  let gone = false;
  void child.ended.then(() => gone = true);
  while (!gone && clock.monotonic() < end) {
    await clock.sleep(dumpPollMs, { signal });
    const now = sizeOf(path);
    // Written in one piece; two equal looks mean that it is whole.
    if (now > 0 && now === size) break;
    size = now;
  }
  const text = read(path, maxDumpBytes);
  await removeIfExists(path);
  return text === "" ? undefined : text;
}

async function removeOldReports(directory: string): Promise<void> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    if (entry.isFile && /^hang-.*\.txt$/.test(entry.name)) names.push(entry.name);
  }
  for (const name of names.sort().slice(0, -keptReports)) await removeIfExists(`${directory}/${name}`);
}

function read(path: string, most = Infinity): string {
  try {
    const bytes = Deno.readFileSync(path);
    return new TextDecoder().decode(bytes.length > most ? bytes.subarray(0, most) : bytes);
  } catch {
    // Not there, not for us, or gone meanwhile: a report has what could be had.
    return "";
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}
