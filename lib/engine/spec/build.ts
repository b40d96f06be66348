import type { Linux, Namespace, Spec } from "../../wire/oci.ts";
import { assertId, assertNamespace, shortId } from "../../wire/identifier.ts";
import type { ContainerOptions } from "../container_options.ts";
import { chooseCapabilities } from "./capability_set.ts";
import { allDevicesRule, defaultDeviceRules } from "./devices.ts";
import type { HostFacts } from "./host_facts.ts";
import { composeMounts } from "./mounts.ts";
import { assertOptions } from "./option_checks.ts";
import { composeProcess } from "./process.ts";
import { composeLimits } from "./resources.ts";
import type { ResolvedInputs } from "./resolve_inputs.ts";
import { composeConfinement } from "./security.ts";
import { parseSecurityOptions } from "./security_options.ts";
import { mergeIntoSpecFile } from "./spec_merge.ts";

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
  /** Parent of the container's cgroup, for cgroupfs. Default: `/gantry`. */
  readonly cgroupParent?: string | undefined;
}

/** A spec, and what could not be done as asked. */
export interface BuiltSpec {
  readonly spec: Spec;
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
    cgroupsPath: `${input.cgroupParent ?? "/gantry"}/${id}`,
  };
  if (resolved.specFile !== undefined) {
    return mergeIntoSpecFile(resolved.specFile, { ...place, options, host: input.host, user: resolved.user });
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
  const hostname = options.hostname ?? (options.network === "host" ? host.hostname : shortId(input.id));
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
  const mounts = composeMounts({ mounts: options.mounts, privileged, hostFiles: resolved.hostFiles });
  const linux: Linux = {
    cgroupsPath: place.cgroupsPath,
    namespaces: namespacesOf(options, host),
    ...(privileged ? { devices: resolved.hostDevices } : {}),
    resources: { devices: privileged ? allDevicesRule : defaultDeviceRules, ...limits.limits },
    ...(privileged ? {} : { maskedPaths: [...maskedPaths, ...host.thermalPaths], readonlyPaths }),
    ...(mounts.rootfsPropagation === undefined ? {} : { rootfsPropagation: mounts.rootfsPropagation }),
    ...(confinement.seccomp === undefined ? {} : { seccomp: confinement.seccomp }),
    ...sysctlsOf(options, host),
  };
  const spec: Spec = {
    ociVersion,
    process: composeProcess(options, {
      user: resolved.user,
      hostname,
      capabilities: capabilities.names,
      noNewPrivileges: security.noNewPrivileges,
      apparmorProfile: confinement.apparmorProfile,
      host,
    }),
    root: { path: place.rootPath, readonly: options.readOnly },
    hostname,
    mounts: mounts.mounts,
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    linux,
  };
  const warnings = [capabilities, confinement, limits, mounts].flatMap((part) => part.warnings);
  return { spec, warnings };
}

/** A cgroup namespace on v2 only, as docker: on v1 it would hide the cgroup files programs look for by their full path. */
function namespacesOf(options: ContainerOptions, host: HostFacts): readonly Namespace[] {
  const types = ["mount", "uts", "pid", "ipc"];
  if (options.network === "none") types.splice(1, 0, "network");
  if (host.cgroup.mode === "v2") types.push("cgroup");
  return types.map((type) => ({ type }));
}

function sysctlsOf(options: ContainerOptions, host: HostFacts): { readonly sysctl?: Readonly<Record<string, string>> } {
  if (options.network === "host" || host.networkSysctls.length === 0) return {};
  return { sysctl: Object.fromEntries(host.networkSysctls.map((name) => [name, sysctlValues[name] ?? ""])) };
}
