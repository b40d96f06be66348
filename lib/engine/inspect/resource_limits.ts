import type { Rlimit, Spec } from "../../wire/oci.ts";
import type { HostConfig, Ulimit } from "./host_config_document.ts";

/** The limits among the fields of `HostConfig`. */
export type LimitFields = Pick<
  HostConfig,
  | "CpuShares"
  | "Memory"
  | "NanoCpus"
  | "BlkioWeight"
  | "CpuPeriod"
  | "CpuQuota"
  | "CpusetCpus"
  | "CpusetMems"
  | "MemoryReservation"
  | "MemorySwap"
  | "MemorySwappiness"
  | "OomKillDisable"
  | "PidsLimit"
  | "Ulimits"
>;

/** The period that `--cpus` is turned into a quota of, as in docker; microseconds. */
const cpusPeriod = 100_000;

/** Above it an rlimit is RLIM_INFINITY, which a double cannot hold exactly. */
const largestLimit = 2 ** 63;

/** The limits of a spec. A quota of {@link cpusPeriod} is shown as a number of CPUs, as docker shows that of `--cpus`. */
export function limitFields(spec: Spec | undefined): LimitFields {
  const { memory, cpu, pids, blockIO } = spec?.linux?.resources ?? {};
  const isCpus = cpu?.period === cpusPeriod && (cpu.quota ?? 0) > 0;
  return {
    CpuShares: cpu?.shares ?? 0,
    Memory: positive(memory?.limit),
    NanoCpus: isCpus ? (cpu.quota ?? 0) * (1e9 / cpusPeriod) : 0,
    BlkioWeight: blockIO?.weight ?? 0,
    CpuPeriod: isCpus ? 0 : cpu?.period ?? 0,
    CpuQuota: isCpus ? 0 : cpu?.quota ?? 0,
    CpusetCpus: cpu?.cpus ?? "",
    CpusetMems: cpu?.mems ?? "",
    MemoryReservation: positive(memory?.reservation),
    MemorySwap: memory?.swap ?? 0,
    MemorySwappiness: memory?.swappiness ?? null,
    OomKillDisable: memory?.disableOOMKiller ?? false,
    PidsLimit: positive(pids?.limit) === 0 ? null : positive(pids?.limit),
    Ulimits: (spec?.process?.rlimits ?? []).map(ulimit),
  };
}

/** Zero and below are "no limit". */
function positive(limit: number | undefined): number {
  return Math.max(0, limit ?? 0);
}

function ulimit({ type, hard, soft }: Rlimit): Ulimit {
  return { Name: type.replace(/^RLIMIT_/, "").toLowerCase(), Hard: bounded(hard), Soft: bounded(soft) };
}

function bounded(limit: number): number {
  return limit >= largestLimit ? -1 : limit;
}
