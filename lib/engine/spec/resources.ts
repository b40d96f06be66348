import { formatBytes } from "../../base/bytes.ts";
import { GantryError } from "../../base/errors.ts";
import type { Cpu, Memory, Pids } from "../../wire/oci.ts";
import type { HostFacts } from "./host_facts.ts";

/** Limits as the user gave them. */
export interface LimitRequest {
  /** Bytes. */
  readonly memory?: number | undefined;
  /** CPUs, e.g. 1.5. */
  readonly cpus?: number | undefined;
  /** 0 or -1 for no limit. */
  readonly pidsLimit?: number | undefined;
}

/** Limits for `linux.resources`, and what could not be limited. */
export interface ComposedLimits {
  readonly limits: {
    readonly memory?: Memory | undefined;
    readonly cpu?: Cpu | undefined;
    readonly pids?: Pids | undefined;
  };
  readonly warnings: readonly string[];
}

/** Below it a process cannot even start; docker refuses it too. */
const minMemory = 6 * 1024 * 1024;

/** Microseconds; the kernel's default and docker's. */
const cpuPeriod = 100_000;

/** The kernel's shortest quota is 1 ms, which is 0.01 of the period. */
const minCpus = 0.01;

/**
 * Limits on cgroup v1 and v2 alike. Memory gets as much swap again, as in docker, where the host accounts for swap; else
 * swap stays unlimited and that is a warning. A limit that the host cannot set is `failed_precondition`: a container that
 * runs without the limit it was given is worse than none. A value out of range is `invalid_argument`.
 */
export function composeLimits(request: LimitRequest, host: Pick<HostFacts, "cgroup" | "cpus">): ComposedLimits {
  const memory = memoryLimit(request.memory, host);
  const cpu = cpuLimit(request.cpus, host);
  const pids = pidsLimit(request.pidsLimit, host);
  const isUnlimitedSwap = memory !== undefined && !host.cgroup.swap;
  return {
    limits: {
      ...(memory === undefined ? {} : { memory }),
      ...(cpu === undefined ? {} : { cpu }),
      ...(pids === undefined ? {} : { pids }),
    },
    warnings: isUnlimitedSwap ? ["--memory limits memory without swap: this kernel does not account for swap"] : [],
  };
}

function memoryLimit(bytes: number | undefined, host: Pick<HostFacts, "cgroup">): Memory | undefined {
  if (bytes === undefined) return undefined;
  if (!Number.isSafeInteger(bytes) || bytes < minMemory) {
    const shown = Number.isFinite(bytes) && bytes >= 0 ? formatBytes(bytes) : String(bytes);
    throw new GantryError("invalid_argument", `--memory ${shown} is too little`, {
      hint: `the least is ${formatBytes(minMemory)}`,
    });
  }
  if (!host.cgroup.memory) throw noController("--memory", "memory");
  return host.cgroup.swap ? { limit: bytes, swap: bytes * 2 } : { limit: bytes };
}

function cpuLimit(cpus: number | undefined, host: Pick<HostFacts, "cgroup" | "cpus">): Cpu | undefined {
  if (cpus === undefined) return undefined;
  if (!(cpus >= minCpus && cpus <= host.cpus)) {
    throw new GantryError("invalid_argument", `--cpus ${cpus} is out of range`, {
      hint: `give ${minCpus} to ${host.cpus}: this host has ${host.cpus} CPUs`,
    });
  }
  if (!host.cgroup.cpu) throw noController("--cpus", "cpu");
  return { quota: Math.round(cpus * cpuPeriod), period: cpuPeriod };
}

function pidsLimit(limit: number | undefined, host: Pick<HostFacts, "cgroup">): Pids | undefined {
  if (limit === undefined) return undefined;
  if (!Number.isSafeInteger(limit) || limit < -1) {
    throw new GantryError("invalid_argument", `--pids-limit ${limit} is not a number of processes`, {
      hint: "give 1 or more, or -1 for no limit",
    });
  }
  // A new cgroup has no limit.
  if (limit <= 0) return undefined;
  if (!host.cgroup.pids) throw noController("--pids-limit", "pids");
  return { limit };
}

function noController(flag: string, controller: string): GantryError {
  return new GantryError(
    "failed_precondition",
    `${flag} cannot be applied: this host has no ${controller} controller`,
    {
      hint: `mount or delegate the ${controller} cgroup controller, or leave ${flag} out`,
    },
  );
}
