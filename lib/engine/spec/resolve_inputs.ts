import { isCode } from "../../base/errors.ts";
import type { Device } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import { type GrantedDevice, readDevices, readHostDevices } from "./devices.ts";
import { findInit } from "./init_program.ts";
import { readInput } from "./input_file.ts";
import { assertMountSources, assertRootfs } from "./mount_sources.ts";
import { type HostTexts, isHostsAsked, isResolverAsked } from "./network_files.ts";
import { loadSeccompFile } from "./seccomp_file.ts";
import type { SeccompProfile } from "./seccomp_profile.ts";
import { parseSecurityOptions } from "./security_options.ts";
import { type LoadedSpec, loadSpecFile } from "./spec_file.ts";
import { assertSysctlsExist } from "./sysctls.ts";
import { type ResolvedUser, resolveGroups, resolveUser } from "./users.ts";

/** What a spec needs from files, beside the facts of the host. Plain data. */
export interface ResolvedInputs {
  readonly user: ResolvedUser;
  /** Ids of the groups of `--group-add`. */
  readonly extraGroups: readonly number[];
  /** The profile of `--security-opt seccomp=FILE`; undefined without one. */
  readonly seccompProfile: SeccompProfile | undefined;
  /** The host's devices for a privileged container; empty for others. */
  readonly hostDevices: readonly Device[];
  /** The devices of `--device`. */
  readonly devices: readonly GrantedDevice[];
  /** Host path of the init of `--init`; undefined without one. */
  readonly init: string | undefined;
  /** Files of the host that a container with the host's network gets read-only; empty for others. */
  readonly hostFiles: readonly string[];
  /** Texts of those that are changed for the container instead. */
  readonly hostTexts: HostTexts;
  /** The file of `--spec`; undefined without one. */
  readonly specFile: LoadedSpec | undefined;
}

/** Options of {@link resolveInputs}. */
export interface ResolveInputsOptions {
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** Without them names do not resolve as they do on the host; podman and nerdctl give them too (and writable). */
const networkFiles = { resolvConf: "/etc/resolv.conf", hosts: "/etc/hosts" } as const;

/**
 * Reads what the options refer to: users and groups in the root filesystem, profile and spec files, the sources of bind
 * mounts, devices, kernel parameters, an init.
 * Errors name the option and the path; see the functions that read each. Nothing is changed.
 */
export async function resolveInputs(
  options: ContainerOptions,
  { signal }: ResolveInputsOptions = {},
): Promise<ResolvedInputs> {
  const isShared = options.network === "host";
  const changed = {
    resolvConf: isShared && isResolverAsked(options),
    hosts: isShared && isHostsAsked(options),
  };
  const { seccomp } = parseSecurityOptions(options.securityOpt);
  await assertRootfs(options.rootfs.path);
  await assertMountSources(options.mounts);
  // One after the other: nearly always only the user is looked up, and the first mistake is the one that is told.
  const specFile = options.specFile === undefined ? undefined : await loadSpecFile(options.specFile, { signal });
  const seccompProfile = seccomp.kind === "file" ? await loadSeccompFile(seccomp.path, { signal }) : undefined;
  const { path: rootfs } = options.rootfs;
  await assertSysctlsExist(Object.keys(options.sysctls ?? {}));
  return {
    user: await resolveUser(rootfs, options.user ?? "", { signal }),
    extraGroups: await resolveGroups(rootfs, options.groupAdd ?? [], { signal }),
    seccompProfile,
    hostDevices: options.privileged ? await readHostDevices({ signal }) : [],
    devices: await readDevices(options.devices ?? [], { signal }),
    init: await findInit(options.init ?? false),
    hostFiles: isShared ? await existing(unchangedFiles(changed)) : [],
    hostTexts: {
      ...(changed.resolvConf ? { resolvConf: await textIfExists(networkFiles.resolvConf, signal) } : {}),
      ...(changed.hosts ? { hosts: await textIfExists(networkFiles.hosts, signal) } : {}),
    },
    specFile,
  };
}

function unchangedFiles(changed: Readonly<Record<keyof typeof networkFiles, boolean>>): readonly string[] {
  return [...changed.resolvConf ? [] : [networkFiles.resolvConf], ...changed.hosts ? [] : [networkFiles.hosts]];
}

async function textIfExists(path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readInput({ flag: "the host's", path }, { signal }));
  } catch (error) {
    if (isCode(error, "not_found")) return undefined;
    throw error;
  }
}

async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const present = await Promise.all(paths.map((path) => Deno.stat(path).then(() => true, () => false)));
  return paths.filter((_, index) => present[index]);
}
