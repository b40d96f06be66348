import { GantryError } from "../../base/errors.ts";
import type { Seccomp } from "../../wire/oci.ts";
import type { HostFacts } from "./host_facts.ts";
import { defaultSeccompProfile } from "./seccomp_default.ts";
import { resolveSeccomp, type SeccompProfile } from "./seccomp_profile.ts";
import type { SecurityOptions } from "./security_options.ts";

/** What the confinement of a container depends on. */
export interface ConfinementRequest {
  readonly options: SecurityOptions;
  /** The profile of `seccomp=FILE`; undefined for the other choices. */
  readonly seccompProfile: SeccompProfile | undefined;
  readonly privileged: boolean;
  /** The container's bounding set. */
  readonly capabilities: readonly string[];
  readonly host: HostFacts;
}

/** Filter and profile of a container, as far as it has them. */
export interface Confinement {
  readonly seccomp: Seccomp | undefined;
  readonly apparmorProfile: string | undefined;
  readonly warnings: readonly string[];
}

/**
 * Seccomp is docker's default profile unless the user chose another; a privileged container has none unless one was
 * chosen. Where the kernel has no seccomp the default is left out with a warning, and a chosen profile is
 * `failed_precondition`, as is a chosen AppArmor profile where AppArmor is off.
 *
 * No AppArmor profile is set by default: gantry does not load one into the kernel.
 */
export function composeConfinement(request: ConfinementRequest): Confinement {
  const { options, host } = request;
  const { seccomp } = options;
  if (seccomp.kind === "file" && !host.seccomp) {
    throw new GantryError("failed_precondition", `--security-opt seccomp=${seccomp.path}: this kernel has no seccomp`, {
      hint: "leave it out, or run a kernel with CONFIG_SECCOMP_FILTER",
    });
  }
  const profile = profileOf(request);
  return {
    seccomp: profile === undefined || !host.seccomp ? undefined : resolveSeccomp(profile, request),
    apparmorProfile: apparmorProfileOf(options.apparmor, host),
    warnings: profile !== undefined && !host.seccomp
      ? ["system calls are not filtered: this kernel has no seccomp"]
      : [],
  };
}

function profileOf(request: ConfinementRequest): SeccompProfile | undefined {
  switch (request.options.seccomp.kind) {
    case "unconfined":
      return undefined;
    case "file":
      if (request.seccompProfile !== undefined) return request.seccompProfile;
      throw new TypeError("the seccomp profile was not read");
    case "default":
      return request.privileged ? undefined : defaultSeccompProfile;
  }
}

function apparmorProfileOf(name: string | undefined, host: HostFacts): string | undefined {
  if (name === undefined || host.apparmor) return name;
  if (name === "unconfined") return undefined;
  throw new GantryError(
    "failed_precondition",
    `--security-opt apparmor=${name}: AppArmor is not enabled on this host`,
    {
      hint: "leave it out, or boot with AppArmor",
    },
  );
}
