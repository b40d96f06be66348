import { GantryError } from "../../base/errors.ts";
import type { BlockIo, Pids, Resources } from "../../wire/oci_resources.ts";
import { noController } from "./cgroup_facts.ts";
import { composeCpu, type CpuRequest } from "./cpu_limits.ts";
import type { HostFacts } from "./host_facts.ts";
import { composeMemory, type MemoryRequest } from "./memory_limits.ts";

/** Limits as the user gave them. */
export interface LimitRequest extends MemoryRequest, CpuRequest {
  /** 0 or -1 for no limit. */
  readonly pidsLimit?: number | undefined;
  /** 10 to 1000; 0 as if not given. */
  readonly blkioWeight?: number | undefined;
}

/** Limits for `linux.resources`, and what could not be limited. */
export interface ComposedLimits {
  readonly limits: Resources;
  readonly warnings: readonly string[];
}

/** docker's range, which is CFQ's; runc maps it to the 1 to 10000 of v2. */
const weights = { min: 10, max: 1000 } as const;

/**
 * Limits on cgroup v1 and v2 alike. A limit that the host cannot set is `failed_precondition`: a container that runs
 * without the limit it was given is worse than none. A value out of range is `invalid_argument`.
 */
export function composeLimits(request: LimitRequest, host: Pick<HostFacts, "cgroup" | "cpus">): ComposedLimits {
  const { memory, warnings } = composeMemory(request, host);
  const cpu = composeCpu(request, host);
  // A new cgroup has no limit of processes, and none is what 0 and -1 ask for.
  const pids = composePids(request.pidsLimit, host);
  const blockIO = request.blkioWeight === 0 ? undefined : composeBlockIo(request.blkioWeight, host);
  return {
    limits: {
      ...(memory === undefined ? {} : { memory }),
      ...(cpu === undefined ? {} : { cpu }),
      ...(pids === undefined || pids.limit < 0 ? {} : { pids }),
      ...(blockIO === undefined ? {} : { blockIO }),
    },
    warnings,
  };
}

/** The limit of processes; -1 for the request that there be none. */
export function composePids(limit: number | undefined, host: Pick<HostFacts, "cgroup">): Pids | undefined {
  if (limit === undefined) return undefined;
  if (!Number.isSafeInteger(limit) || limit < -1) {
    throw new GantryError("invalid_argument", `--pids-limit ${limit} is not a number of processes`, {
      hint: "give 1 or more, or -1 for no limit",
    });
  }
  if (limit <= 0) return { limit: -1 };
  if (!host.cgroup.pids) throw noController("--pids-limit", "pids");
  return { limit };
}

/** The weight of disk time. */
export function composeBlockIo(weight: number | undefined, { cgroup }: Pick<HostFacts, "cgroup">): BlockIo | undefined {
  if (weight === undefined) return undefined;
  if (!Number.isSafeInteger(weight) || weight < weights.min || weight > weights.max) {
    throw new GantryError("invalid_argument", `--blkio-weight ${weight} is out of range`, {
      hint: `give ${weights.min} to ${weights.max}`,
    });
  }
  if (cgroup.ioWeight) return { weight };
  const missing = cgroup.mode === "v2"
    ? "there is neither io.weight nor io.bfq.weight here"
    : "this kernel weighs disk time with neither CFQ nor BFQ";
  throw new GantryError("failed_precondition", `--blkio-weight cannot be applied: ${missing}`, {
    hint: cgroup.mode === "v2"
      ? "delegate the io controller, or leave it out"
      : "leave it out, or run a kernel with CONFIG_BFQ_GROUP_IOSCHED",
  });
}

/** `over` laid over `under`, field by field of each controller. */
export function mergeResources(under: Resources | undefined, over: Resources): Resources {
  const { memory, cpu, pids, blockIO, ...others } = over;
  return {
    ...under,
    ...others,
    ...(memory === undefined ? {} : { memory: { ...under?.memory, ...memory } }),
    ...(cpu === undefined ? {} : { cpu: { ...under?.cpu, ...cpu } }),
    ...(pids === undefined ? {} : { pids: { ...under?.pids, ...pids } }),
    ...(blockIO === undefined ? {} : { blockIO: { ...under?.blockIO, ...blockIO } }),
  };
}
