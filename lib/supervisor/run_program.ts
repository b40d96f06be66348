import { type Clock, systemClock } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import { settlesWithin } from "./time_limit.ts";

/** How {@link runProgram} runs a program. */
export interface RunProgramOptions {
  readonly args: readonly string[];
  /** Milliseconds it may take; it is killed with all it has started when they are over. */
  readonly timeoutMs: number;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a program that ended left. */
export interface ProgramResult {
  readonly code: number;
  /** E.g. `SIGKILL`; undefined when it ended by itself. */
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** More than this of its output is not kept. */
const maxOutputBytes = 4 << 20;

/**
 * Runs a program to its end and gives what it printed. One that hangs is killed together with its process group, since
 * a script's children would keep the pipes open: `deadline_exceeded`. One that cannot be run fails with errno's class.
 */
export async function runProgram(path: string, options: RunProgramOptions): Promise<ProgramResult> {
  const { args, timeoutMs, clock = systemClock, signal } = options;
  signal?.throwIfAborted();
  const command = new Deno.Command(path, {
    args: [...args],
    // A group of its own, so that all of it can be killed.
    detached: true,
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  let child: Deno.ChildProcess;
  try {
    child = command.spawn();
  } catch (error) {
    throw systemError(error, `run ${path}`);
  }
  const output = Promise.all([readAll(child.stdout), readAll(child.stderr), child.status]);
  let inTime = false;
  try {
    inTime = await settlesWithin(output, { clock, ms: timeoutMs, signal });
  } finally {
    if (!inTime) {
      killGroup(child.pid);
      await output.catch(() => {});
    }
  }
  if (!inTime) {
    throw new GantryError("deadline_exceeded", `${[path, ...args].join(" ")} did not end within ${timeoutMs} ms`);
  }
  const [stdout, stderr, status] = await output;
  return { code: status.code, signal: status.signal ?? undefined, stdout, stderr };
}

async function readAll(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes <= maxOutputBytes) text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function killGroup(leader: number): void {
  try {
    // The leader has not been reaped while its status is unread, so the number cannot be anybody else's group.
    Deno.kill(-leader, "SIGKILL");
  } catch {
    // Gone already.
  }
}
