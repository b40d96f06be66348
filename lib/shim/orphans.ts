import type { Clock } from "../base/clock.ts";
import { isChildSubreaper, reap, type ReapedProcess } from "../base/libc_process.ts";
import { readStat } from "../base/proc.ts";
import type { ExitStatus } from "../wire/task.ts";
import type { Bundle } from "./bundle.ts";

/** A dead shim's processes, as far as they have become children of this process because it reaps orphans. */
export interface Orphans {
  /** Reaps those that end, until told to stop. */
  reapUntil(signal: AbortSignal, clock: Clock): Promise<void>;
  /** How the container's first process ended; undefined unless it was reaped here. */
  exit(clock: Clock): ExitStatus | undefined;
}

const pollMs = 5;

/** The orphans among `pids` and the container's first process. Others than this process' children are left alone. */
export function orphansOf(bundle: Bundle, pids: readonly number[]): Orphans {
  const init = initPid(bundle);
  const waiting = new Set(isChildSubreaper() ? [...pids, ...init === undefined ? [] : [init]].filter(isOurs) : []);
  let end: ReapedProcess | undefined;

  function reapEnded(): void {
    for (const pid of waiting) {
      const reaped = reap(pid);
      if (reaped === undefined) continue;
      waiting.delete(pid);
      if (pid === init) end = reaped;
    }
  }

  return {
    async reapUntil(signal, clock) {
      while (waiting.size > 0) {
        reapEnded();
        await clock.sleep(pollMs, { signal }).catch(() => {});
        if (signal.aborted) break;
      }
      reapEnded();
    },
    exit(clock) {
      reapEnded();
      return end === undefined ? undefined : { code: end.code, exitedAt: clock.now(), exact: true };
    },
  };
}

function initPid(bundle: Bundle): number | undefined {
  try {
    const pid = Number(Deno.readTextFileSync(`${bundle.path}/init.pid`));
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isOurs(pid: number): boolean {
  return readStat(pid)?.parent === Deno.pid;
}
