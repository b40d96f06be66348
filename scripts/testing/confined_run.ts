/**
 * Runs one command with a time limit and a folder of its own (TMPDIR, GANTRY_TEST_SCOPE), by which everything it starts can be
 * found and ended, also what left its session: containerd, shims, containers.
 */
import { leftSince, mountsOf, snapshot } from "../../tests/support/leftovers.ts";
import { killProcess, scopedProcesses } from "../../tests/support/scoped_processes.ts";

/** Options of {@link confinedRun}. */
export interface ConfinedRunOptions {
  readonly args: readonly string[];
  /** Variables beside ours and its own two. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A folder to be made, with a short path: sockets are made in it. It is removed at the end. */
  readonly scope: string;
  /** The command is killed after this, in milliseconds. */
  readonly timeoutMs: number;
  /** How long what it started may take to go away after it, in milliseconds. Default: 5000. */
  readonly graceMs?: number | undefined;
  /** Shows output while it is made, beside returning it. Default: false. */
  readonly verbose?: boolean | undefined;
}

/** How it ended. */
export interface ConfinedRun {
  readonly code: number;
  readonly timedOut: boolean;
  /** stdout and stderr as they came. */
  readonly output: string;
  readonly seconds: number;
  /** What it left behind, one line each; all of it is ended or removed now. */
  readonly left: readonly string[];
}

/** Runs `program`; never rejects for what the program does. */
export async function confinedRun(program: string, options: ConfinedRunOptions): Promise<ConfinedRun> {
  const { scope, timeoutMs } = options;
  await Deno.mkdir(scope, { recursive: true });
  await Deno.chmod(scope, 0o755); // tests run programs as other users
  const before = await snapshot({ scope });
  const started = performance.now();
  const child = new Deno.Command(program, {
    args: [...options.args],
    // A session of its own: the terminal's Ctrl-C must not end half of it.
    detached: true,
    env: { ...options.env, TMPDIR: scope, GANTRY_TEST_SCOPE: scope },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output: Uint8Array[] = [];
  const read = Promise.all([child.stdout, child.stderr].map((stream) => collect(stream, output, options.verbose)));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const { code } = await child.status;
  clearTimeout(timer);
  const seconds = (performance.now() - started) / 1000;
  const left = timedOut ? [] : await leftSince(before, { withinMs: options.graceMs });
  await endEverything(scope);
  // Only now: a process that was left behind holds the pipes open.
  await read;
  return { code, timedOut, output: await new Blob(output.map((part) => part.slice())).text(), seconds, left };
}

/** Kills what belongs to the scope, takes its mounts down and removes it. */
export async function endEverything(scope: string): Promise<void> {
  // New ones may start while others end (a supervisor restarts its child): until none is left, within bounds.
  for (let round = 0; round < 50; round++) {
    const processes = await scopedProcesses(scope);
    if (processes.length === 0) break;
    await Promise.all(processes.map(killProcess));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const path of await mountsOf(scope)) {
    await new Deno.Command("umount", { args: ["-l", path], stdout: "null", stderr: "null" }).output();
  }
  // What is still mounted here may be a folder of the host: removing would go through it.
  if ((await mountsOf(scope)).length === 0) await Deno.remove(scope, { recursive: true }).catch(() => {});
}

async function collect(stream: ReadableStream<Uint8Array>, into: Uint8Array[], verbose = false): Promise<void> {
  for await (const part of stream) {
    into.push(part);
    if (verbose) Deno.stdout.writeSync(part);
  }
}
