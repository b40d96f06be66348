/**
 * A process that stays behind for a container nobody attends to any more: it drains what was attached into log files, kills
 * the container when its time is over, and removes it at its end when it is to be removed.
 */
import { readTextIfExists } from "../base/atomic_file.ts";
import { formatDuration } from "../base/duration.ts";
import { systemError } from "../base/errno.ts";
import { GantryError } from "../base/errors.ts";
import { processState } from "../base/proc.ts";
import type { ContainerPlan } from "../engine/container_plan.ts";
import { keptPath } from "../engine/kept.ts";
import type { Engine } from "../engine/engine.ts";
import type { CliContext } from "./context.ts";
import { engineFlags } from "./engine.ts";
import { startSelf } from "./self.ts";

/** Options of {@link startKeeper}. */
export interface KeeperOptions {
  readonly context: CliContext;
  /** Who has the container. */
  readonly engine: Pick<Engine, "kind" | "address">;
  /** Moves what it writes from its FIFOs to its log files. This process must hold them until this resolves. */
  readonly drain: boolean;
  /** Kills it after so many milliseconds; undefined for never. */
  readonly timeoutMs: number | undefined;
}

/** How long it may take to start. */
const startMs = 10_000;
const pollMs = 10;

/** Starts it: `gantry keep`, a command that help does not show. Gives its pid; with `drain`, once it has the FIFOs open. */
export async function startKeeper(plan: ContainerPlan, options: KeeperOptions): Promise<number> {
  const { context, engine, drain, timeoutMs } = options;
  const what = [
    ...(drain ? ["--drain", "--log", plan.log] : []),
    ...(plan.autoRemove ? ["--rm"] : []),
    ...(timeoutMs === undefined ? [] : ["--timeout", formatDuration(timeoutMs)]),
  ];
  try {
    await Deno.mkdir(plan.paths.data, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw systemError(error, `make ${plan.paths.data}`);
  }
  const log = `${plan.paths.data}/keeper.log`;
  const pid = startSelf(["keep", ...engineFlags(engine, context), ...what, plan.id], { log, env: context.env });
  if (drain) await untilKept(plan, { context, pid, log });
  return pid;
}

/** Starts one for a container that nobody attends to, when it goes away by itself or may run for a time only. */
export async function keepUnattended(
  plan: ContainerPlan,
  { context, engine }: Pick<KeeperOptions, "context" | "engine">,
): Promise<void> {
  const { autoRemove, timeoutMs } = plan;
  if (autoRemove || timeoutMs !== undefined) await startKeeper(plan, { context, engine, drain: false, timeoutMs });
}

async function untilKept(
  plan: ContainerPlan,
  { context, pid, log }: { readonly context: CliContext; readonly pid: number; readonly log: string },
): Promise<void> {
  const { clock } = context;
  const end = clock.monotonic() + startMs;
  while (await readTextIfExists(keptPath(plan)) === undefined) {
    const state = processState(pid);
    // A keeper that has ended without a word has failed, unless the container ended and it has removed everything.
    const ended = state === undefined || state === "Z";
    if (ended && await readTextIfExists(log) === undefined) return;
    if (ended || clock.monotonic() > end) {
      throw new GantryError("internal", `nobody reads the output of container ${plan.name} any more`, {
        hint: `it will stop when its pipe is full; \`gantry keep\` failed, see ${log}`,
      });
    }
    await clock.sleep(pollMs);
  }
}
