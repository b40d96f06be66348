import { GantryError, isCode } from "../base/errors.ts";
import { readStat } from "../base/proc.ts";
import { parseJson } from "../base/json.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { unpackJson } from "../wire/any.ts";
import type { Spec } from "../wire/oci.ts";
import { bundleOf } from "./bundle.ts";
import type { Container } from "./container.ts";
import { readRuncState, type RuncScope } from "./runc_state.ts";
import { parseStoredSpec } from "./spec/spec_file.ts";

/** A container that runs, as its runtime knows it. */
export interface RunningContainer {
  /** Pid of its first process on the host. */
  readonly pid: number;
  /** When that process was started, clock ticks after boot: with the pid that is one process and no other. */
  readonly startTime: bigint;
  /** Directory of its bundle; undefined when it cannot be found. */
  readonly bundle: string | undefined;
  /** What it was started with, which the stored spec may have moved on from. */
  readonly spec: Spec;
}

/**
 * Reads what runs of a container from runc's own state and from its bundle: the spec that counts for an exec is the one it
 * was started with, and reading it here saves the RPC. Undefined when runc has no such container; then, or with another
 * runtime, the caller asks whoever runs it.
 */
function readRunning(id: string, scope: RuncScope): RunningContainer | undefined {
  const { pid, startTime, bundle } = readRuncState(id, scope) ?? {};
  if (pid === undefined || pid === 0 || startTime === undefined || bundle === undefined) return undefined;
  const config = readJson(`${bundle}/config.json`);
  return config === undefined ? undefined : { pid, startTime, bundle, spec: parseStoredSpec(config) };
}

/** What runs of a container; its runtime is asked only when runc's state does not say. `failed_precondition` when nothing runs. */
export async function findRunning(
  container: Container,
  { namespace, runtimeRoot, ...options }: CallOptions & RuncScope,
): Promise<RunningContainer> {
  const found = readRunning(container.id, { namespace, runtimeRoot });
  if (found !== undefined) return found;
  const record = await container.record(options);
  const state = await container.task.state(options).catch((error: unknown) => {
    if (isCode(error, "not_found")) return undefined;
    throw error;
  });
  if (state === undefined || state.pid === 0 || state.status === "stopped") {
    throw new GantryError("failed_precondition", `container ${container.id} does not run`, {
      hint: `start it: gantry start ${container.id.slice(0, 12)}`,
    });
  }
  const startTime = readStat(state.pid)?.startTime ?? 0n;
  return { pid: state.pid, startTime, bundle: bundleOf(state.pid), spec: parseStoredSpec(unpackJson(record.spec)) };
}

function readJson(path: string): unknown {
  try {
    return parseJson(Deno.readTextFileSync(path), path);
  } catch {
    // Removed, or half written, at this moment: whoever asks has another way.
    return undefined;
  }
}
