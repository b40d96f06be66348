import assert from "node:assert/strict";
import { type ProcessIdentity, readIdentity } from "../../../lib/base/proc.ts";

/** A child that is killed and waited for when it is disposed. */
export interface RunningChild extends AsyncDisposable {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  kill(signal: Deno.Signal): void;
}

/** Starts a program with no streams. */
export function running(program: string, args: string[]): RunningChild {
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  return {
    pid: child.pid,
    status: child.status,
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await child.status;
    },
  };
}

/** The identity of a child once it has executed one of the given programs: between fork and exec it is still ours. */
export function identityOf(pid: number, ...executables: readonly string[]): Promise<ProcessIdentity> {
  return eventually(async () => {
    const identity = await readIdentity(pid);
    return identity !== undefined && executables.includes(identity.executable) && identity;
  });
}

/** Waits until `condition` gives something true, and gives that; fails after 10 s. */
export async function eventually<T>(
  condition: () => T | false | undefined | Promise<T | false | undefined>,
): Promise<T> {
  const end = Date.now() + 10_000;
  while (Date.now() < end) {
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.fail("the condition did not come true within 10 s");
}
