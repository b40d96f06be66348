/** From the flags of `run` to what the engine takes. */
import { GantryError } from "../../base/errors.ts";
import type { ContainerOptions } from "../../engine/container_options.ts";
import { parseCpuset } from "../../engine/spec/cpuset.ts";
import { parseDevice } from "../../engine/spec/device_options.ts";
import { parseEnvFlag, readEnvFile } from "../../engine/spec/env.ts";
import { parseMemorySwap } from "../../engine/spec/memory_limits.ts";
import { parseMount, parseRootfs, parseTmpfs, parseVolume } from "../../engine/spec/mount_options.ts";
import { parseAddHost, parseDns, parseDnsOption, parseDnsSearch } from "../../engine/spec/network_options.ts";
import { parseSysctl } from "../../engine/spec/sysctls.ts";
import { parseUlimit } from "../../engine/spec/ulimits.ts";
import type { ValuesOf } from "../command.ts";
import { terminalSize } from "../terminal.ts";
import { ociRuntimePath } from "./oci_runtime_path.ts";
import type { containerFlags } from "./container_flags.ts";

/** Those flags, and two that each command describes in its own words. */
type ContainerFlags = ValuesOf<typeof containerFlags> & { readonly tty: boolean; readonly interactive: boolean };

/** Puts the options of a container together. Reads the env files; the rest is checked by the engine. */
export async function containerOptions(
  flags: ContainerFlags,
  command: readonly string[],
): Promise<ContainerOptions> {
  if (flags.rootfs === undefined) {
    throw new GantryError("invalid_argument", "no root filesystem given", {
      hint: "name a directory: gantry run --rootfs DIR -- COMMAND",
    });
  }
  if (command.length === 0 && flags.entrypoint === undefined && flags.spec === undefined) {
    throw new GantryError("invalid_argument", "no command given", {
      hint: "gantry run --rootfs DIR -- COMMAND [ARGUMENTS…]",
    });
  }
  if (flags.replace && flags.name === undefined) {
    throw new GantryError("invalid_argument", "--replace has nothing to replace: no name given", {
      hint: "name the container with --name",
    });
  }
  return {
    ...limits(flags),
    ...namespaces(flags),
    name: flags.name,
    rootfs: parseRootfs(flags.rootfs),
    entrypoint: flags.entrypoint,
    command,
    env: await environment(flags.envFile, flags.env),
    cwd: flags.workdir,
    user: flags.user,
    groupAdd: flags.groupAdd,
    init: flags.initPath ?? flags.init,
    hostname: flags.hostname,
    tty: flags.tty,
    stdin: flags.interactive,
    consoleSize: flags.tty ? terminalSize() : undefined,
    mounts: [
      ...flags.volume.map((text) => parseVolume(text)),
      ...flags.mount.map((text) => parseMount(text)),
      ...flags.tmpfs.map(parseTmpfs),
    ],
    shmSize: flags.shmSize,
    devices: flags.device.map(parseDevice),
    readOnly: flags.readOnly,
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    privileged: flags.privileged,
    securityOpt: flags.securityOpt,
    labels: flags.label,
    annotations: nonEmpty(flags.annotation),
    log: flags.log,
    timeoutMs: flags.timeout,
    ociRuntime: ociRuntimePath(flags.ociRuntime),
    stopSignal: flags.stopSignal,
    stopTimeout: flags.stopTimeout,
    specFile: flags.spec,
  };
}

function limits(flags: ContainerFlags): Partial<ContainerOptions> {
  return {
    memory: flags.memory,
    memorySwap: flags.memorySwap === undefined ? undefined : parseMemorySwap(flags.memorySwap),
    memoryReservation: flags.memoryReservation,
    cpus: flags.cpus,
    cpuShares: flags.cpuShares,
    cpusetCpus: cpuset("--cpuset-cpus", flags.cpusetCpus),
    cpusetMems: cpuset("--cpuset-mems", flags.cpusetMems),
    pidsLimit: flags.pidsLimit,
    blkioWeight: flags.blkioWeight,
    cgroupParent: flags.cgroupParent,
    oomScoreAdj: flags.oomScoreAdj,
    ulimits: flags.ulimit.map(parseUlimit),
    sysctls: nonEmpty(Object.fromEntries(flags.sysctl.map(parseSysctl))),
  };
}

function namespaces(flags: ContainerFlags): Pick<ContainerOptions, "network"> & Partial<ContainerOptions> {
  return {
    network: flags.network,
    dns: flags.dns.map(parseDns),
    dnsSearch: flags.dnsSearch.map(parseDnsSearch),
    dnsOption: flags.dnsOption.map(parseDnsOption),
    addHost: flags.addHost.map(parseAddHost),
    pid: flags.pid,
    ipc: flags.ipc,
    uts: flags.uts,
    cgroupns: flags.cgroupns,
  };
}

function cpuset(flag: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : parseCpuset(flag, text);
}

/** Without any, the spec has no such field, or keeps that of a spec file. */
function nonEmpty(record: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  return Object.keys(record).length === 0 ? undefined : record;
}

/** The variables of --env-file and -e: files first, in order; -e wins over them, as in docker. */
export async function environment(files: readonly string[], flags: readonly string[]): Promise<readonly string[]> {
  const fromFiles: string[] = [];
  for (const file of files) fromFiles.push(...await readEnvFile(file));
  return [...fromFiles, ...flags.map((text) => parseEnvFlag(text)).filter((entry) => entry !== undefined)];
}
