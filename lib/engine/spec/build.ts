import type { Linux, Spec } from "../../wire/oci.ts";
import { assertId, assertNamespace, shortId } from "../../wire/identifier.ts";
import type { ContainerOptions } from "../container_options.ts";
import { chooseCapabilities } from "./capability_set.ts";
import { type CgroupDriver, cgroupsPathOf } from "./cgroup_path.ts";
import { composeDevices } from "./device_options.ts";
import type { HostFacts } from "./host_facts.ts";
import { assertInitPossible, initMount } from "./init_program.ts";
import { composeMounts } from "./mounts.ts";
import { type Isolation, isolationOf, namespacesOf } from "./namespaces.ts";
import { composeNetworkFiles, type ContainerFile } from "./network_files.ts";
import { assertOptions } from "./option_checks.ts";
import { composeProcess } from "./process.ts";
import { composeLimits } from "./resources.ts";
import type { ResolvedInputs } from "./resolve_inputs.ts";
import { composeConfinement } from "./security.ts";
import { parseSecurityOptions } from "./security_options.ts";
import { mergeIntoSpecFile } from "./spec_merge.ts";
import { assertSysctls } from "./sysctls.ts";
import { composeRlimits } from "./ulimits.ts";

/** Everything a spec is made of. */
export interface SpecInput {
  /** Id of the container. */
  readonly id: string;
  /** containerd namespace. */
  readonly namespace: string;
  readonly options: ContainerOptions;
  readonly host: HostFacts;
  /** What was read from the root filesystem and from the user's files. */
  readonly resolved: ResolvedInputs;
  /** `root.path`. Default: `rootfs` (in the bundle) for an overlay, else the directory the user gave. */
  readonly rootPath?: string | undefined;
  /** Parent of the container's cgroup where the user names none. Default: `/gantry`, or `system.slice` with systemd. */
  readonly cgroupParent?: string | undefined;
  /** What the runtime was told to make cgroups with. Default: cgroupfs. */
  readonly cgroupDriver?: CgroupDriver | undefined;
  /** Absolute directory that {@link BuiltSpec.files} will be written into; needed when there are any. */
  readonly dataDir?: string | undefined;
}

/** A spec, and what could not be done as asked. */
export interface BuiltSpec {
  readonly spec: Spec;
  /** To be written into the data directory before the task is made; mounts of the spec refer to them. */
  readonly files: readonly ContainerFile[];
  /** A sentence each, to be shown to the user. */
  readonly warnings: readonly string[];
}

/** Written in every spec: what runc 1.1, runc 1.2 and crun all accept. */
const ociVersion = "1.0.2";

/** docker's masked paths; the newer ones leak keystrokes and power use (GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p). */
const maskedPaths: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

const readonlyPaths: readonly string[] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** The values docker gives them: ping and low ports for everybody, in the container's own network namespace. */
const sysctlValues: Readonly<Record<string, string>> = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};

/**
 * The OCI spec of a container: docker's default, changed by the user's options, as far as this host can do it. Pure: the
 * same input gives the same spec. With a spec file it is that file, changed by the options that can be combined with it.
 *
 * `invalid_argument` for options that make no sense, `failed_precondition` for those this host cannot fulfil.
 */
export function buildSpec(input: SpecInput): BuiltSpec {
  const { id, options, resolved } = input;
  assertId(id);
  assertNamespace(input.namespace);
  assertOptions(options);
  const place = {
    rootPath: input.rootPath ?? (options.rootfs.overlay ? "rootfs" : options.rootfs.path),
    cgroupsPath: cgroupsPathOf(id, {
      parent: options.cgroupParent ?? input.cgroupParent,
      driver: input.cgroupDriver,
    }),
  };
  if (resolved.specFile !== undefined) {
    const { host, dataDir } = input;
    return mergeIntoSpecFile(resolved.specFile, { ...place, options, host, resolved, dataDir });
  }
  return generateSpec(input, place);
}

interface Place {
  readonly rootPath: string;
  readonly cgroupsPath: string;
}

function generateSpec(input: SpecInput, place: Place): BuiltSpec {
  const { options, host, resolved } = input;
  const { privileged } = options;
  const isolation = isolationOf(options, host);
  const hostname = hostnameOf(input, isolation);
  const security = parseSecurityOptions(options.securityOpt);
  const capabilities = chooseCapabilities({
    add: options.capAdd,
    drop: options.capDrop,
    privileged,
    available: host.capabilities,
  });
  const confinement = composeConfinement({
    options: security,
    seccompProfile: resolved.seccompProfile,
    privileged,
    capabilities: capabilities.names,
    host,
  });
  const limits = composeLimits(options, host);
  const devices = composeDevices({ granted: resolved.devices, privileged, hostDevices: resolved.hostDevices });
  const files = composeNetworkFiles({
    options,
    ownNetwork: isolation.network,
    hostname,
    hostTexts: resolved.hostTexts,
    dataDir: input.dataDir,
  });
  if (resolved.init !== undefined) assertInitPossible(options, isolation);
  const mounts = composeMounts({
    mounts: options.mounts,
    privileged,
    hostFiles: resolved.hostFiles,
    shmSize: options.shmSize,
    hostShm: !isolation.ipc,
    own: [...files.mounts, ...(resolved.init === undefined ? [] : [initMount(resolved.init)])],
  });
  const isHidden = !privileged && security.systemPaths;
  const linux: Linux = {
    cgroupsPath: place.cgroupsPath,
    namespaces: namespacesOf(isolation),
    ...(devices.devices.length === 0 ? {} : { devices: devices.devices }),
    resources: { devices: devices.rules, ...limits.limits },
    ...(isHidden ? { maskedPaths: [...maskedPaths, ...host.thermalPaths], readonlyPaths } : {}),
    ...(mounts.rootfsPropagation === undefined ? {} : { rootfsPropagation: mounts.rootfsPropagation }),
    ...(confinement.seccomp === undefined ? {} : { seccomp: confinement.seccomp }),
    ...sysctlsOf(input, isolation),
  };
  const spec: Spec = {
    ociVersion,
    process: composeProcess(options, {
      user: resolved.user,
      extraGroups: resolved.extraGroups,
      hostname,
      init: resolved.init !== undefined,
      capabilities: capabilities.names,
      noNewPrivileges: security.noNewPrivileges,
      apparmorProfile: confinement.apparmorProfile,
      rlimits: composeRlimits(options.ulimits ?? [], host),
      host,
    }),
    root: { path: place.rootPath, readonly: options.readOnly },
    // The runtime refuses to name the host.
    ...(isolation.uts ? { hostname } : {}),
    mounts: mounts.mounts,
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    linux,
  };
  const warnings = [capabilities, confinement, limits, devices, files, mounts].flatMap((part) => part.warnings);
  return { spec, files: files.files, warnings };
}

function hostnameOf({ id, options, host }: SpecInput, isolation: Isolation): string {
  return options.hostname ?? (isolation.network && isolation.uts ? shortId(id) : host.hostname);
}

/** docker's, as far as this kernel has them, and the user's over them. */
function sysctlsOf({ options, host }: SpecInput, isolation: Isolation): Pick<Linux, "sysctl"> {
  const { sysctls = {} } = options;
  assertSysctls(sysctls, isolation);
  const defaults = isolation.network ? host.networkSysctls.map((name) => [name, sysctlValues[name] ?? ""]) : [];
  const sysctl = { ...Object.fromEntries(defaults), ...sysctls };
  return Object.keys(sysctl).length === 0 ? {} : { sysctl };
}
