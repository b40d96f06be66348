import type { Device } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import { readHostDevices } from "./devices.ts";
import { assertMountSources, assertRootfs } from "./mount_sources.ts";
import { loadSeccompFile } from "./seccomp_file.ts";
import type { SeccompProfile } from "./seccomp_profile.ts";
import { parseSecurityOptions } from "./security_options.ts";
import { type LoadedSpec, loadSpecFile } from "./spec_file.ts";
import { type ResolvedUser, resolveUser } from "./users.ts";

/** What a spec needs from files, beside the facts of the host. Plain data. */
export interface ResolvedInputs {
  readonly user: ResolvedUser;
  /** The profile of `--security-opt seccomp=FILE`; undefined without one. */
  readonly seccompProfile: SeccompProfile | undefined;
  /** The host's devices for a privileged container; empty for others. */
  readonly hostDevices: readonly Device[];
  /** Files of the host that a container with the host's network gets read-only; empty for others. */
  readonly hostFiles: readonly string[];
  /** The file of `--spec`; undefined without one. */
  readonly specFile: LoadedSpec | undefined;
}

/** Options of {@link resolveInputs}. */
export interface ResolveInputsOptions {
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** Without them names do not resolve as they do on the host; podman and nerdctl give them too (and writable). */
const networkFiles = ["/etc/resolv.conf", "/etc/hosts"];

/**
 * Reads what the options refer to: the user in the root filesystem, profile and spec files, the sources of bind mounts.
 * Errors name the option and the path; see the functions that read each. Nothing is changed.
 */
export async function resolveInputs(
  options: ContainerOptions,
  { signal }: ResolveInputsOptions = {},
): Promise<ResolvedInputs> {
  const { seccomp } = parseSecurityOptions(options.securityOpt);
  await assertRootfs(options.rootfs.path);
  await assertMountSources(options.mounts);
  // One after the other: nearly always only the user is looked up, and the first mistake is the one that is told.
  const specFile = options.specFile === undefined ? undefined : await loadSpecFile(options.specFile, { signal });
  const seccompProfile = seccomp.kind === "file" ? await loadSeccompFile(seccomp.path, { signal }) : undefined;
  return {
    user: await resolveUser(options.rootfs.path, options.user ?? "", { signal }),
    seccompProfile,
    hostDevices: options.privileged ? await readHostDevices({ signal }) : [],
    hostFiles: options.network === "host" ? await existing(networkFiles) : [],
    specFile,
  };
}

async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const present = await Promise.all(paths.map((path) => Deno.stat(path).then(() => true, () => false)));
  return paths.filter((_, index) => present[index]);
}
