import { GantryError } from "../../base/errors.ts";
import type { Cpu } from "../../wire/oci_resources.ts";
import { noController } from "./cgroup_facts.ts";
import { cpuList, parseCpuset } from "./cpuset.ts";
import type { HostFacts } from "./host_facts.ts";

/** Limits of CPU time as the user gave them. */
export interface CpuRequest {
  /** CPUs, e.g. 1.5. */
  readonly cpus?: number | undefined;
  /** 2 to 262144; 0 as if not given. */
  readonly cpuShares?: number | undefined;
  /** CPUs, e.g. `0-2,7`. */
  readonly cpusetCpus?: string | undefined;
  /** Memory nodes. */
  readonly cpusetMems?: string | undefined;
}

type Host = Pick<HostFacts, "cgroup" | "cpus">;

/** Microseconds; the kernel's default and docker's. */
export const cpuPeriod = 100_000;

/** The kernel's shortest quota is 1 ms, which is 0.01 of the period. */
const minCpus = 0.01;

/** The kernel's range on v1, which runc maps to the 1 to 10000 of v2. */
const shares = { min: 2, max: 262_144 } as const;

/**
 * `linux.resources.cpu` for a request; undefined when nothing was asked for. Out of range, or naming CPUs or memory nodes
 * that this host does not have, is `invalid_argument`; what the host cannot limit is `failed_precondition`.
 */
export function composeCpu(request: CpuRequest, host: Host): Cpu | undefined {
  const cpu: Cpu = {
    ...quota(request.cpus, host),
    ...weight(request.cpuShares, host),
    ...pinned("cpus", request.cpusetCpus, host),
    ...pinned("mems", request.cpusetMems, host),
  };
  return Object.keys(cpu).length === 0 ? undefined : cpu;
}

function quota(cpus: number | undefined, host: Host): Cpu {
  if (cpus === undefined) return {};
  if (!(cpus >= minCpus && cpus <= host.cpus)) {
    throw new GantryError("invalid_argument", `--cpus ${cpus} is out of range`, {
      hint: `give ${minCpus} to ${host.cpus}: this host has ${host.cpus} CPUs`,
    });
  }
  if (!host.cgroup.cpu) throw noController("--cpus", "cpu");
  return { quota: Math.round(cpus * cpuPeriod), period: cpuPeriod };
}

function weight(value: number | undefined, host: Host): Cpu {
  if (value === undefined || value === 0) return {};
  if (!Number.isSafeInteger(value) || value < shares.min || value > shares.max) {
    throw new GantryError("invalid_argument", `--cpu-shares ${value} is out of range`, {
      hint: `give ${shares.min} to ${shares.max}; 1024 is normal`,
    });
  }
  if (!host.cgroup.cpuShares) throw noController("--cpu-shares", "cpu");
  return { shares: value };
}

function pinned(kind: "cpus" | "mems", text: string | undefined, host: Host): Cpu {
  if (text === undefined) return {};
  const flag = `--cpuset-${kind}`;
  const list = parseCpuset(flag, text);
  const { cpuset } = host.cgroup;
  if (cpuset === undefined) throw noController(flag, "cpuset");
  const available = cpuset[kind];
  const present = new Set(cpuList(available));
  const missing = cpuList(list).find((number) => !present.has(number));
  if (missing === undefined) return { [kind]: list };
  const what = kind === "cpus" ? "CPU" : "memory node";
  throw new GantryError("invalid_argument", `${flag} ${list}: there is no ${what} ${missing} for containers here`, {
    hint: `they can use ${available === "" ? "none" : available}`,
  });
}
