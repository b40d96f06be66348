import { GantryError } from "../../base/errors.ts";
import type { Namespace, Spec } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import type { HostFacts } from "./host_facts.ts";

/** Which namespaces a container has of its own; false for those it shares with the host. */
export interface Isolation {
  readonly network: boolean;
  readonly pid: boolean;
  readonly ipc: boolean;
  readonly uts: boolean;
  readonly cgroup: boolean;
}

/** What can be asked for: `private` or `host` each. */
type NamespaceOptions = Pick<ContainerOptions, "network" | "pid" | "ipc" | "uts" | "cgroupns" | "hostname" | "shmSize">;

/**
 * The isolation that was asked for. A cgroup namespace is the default on v2 only, as in docker: on v1 it would hide the
 * cgroup files that programs look for by their full path. `invalid_argument` for what needs a namespace that is shared;
 * `failed_precondition` for a cgroup namespace on a kernel without.
 */
export function isolationOf(options: NamespaceOptions, host: HostFacts): Isolation {
  const { cgroupns } = options;
  if (options.uts === "host" && options.hostname !== undefined) {
    throw conflict("--hostname", "--uts host", "the name would be the host's");
  }
  if (options.ipc === "host" && options.shmSize !== undefined) {
    throw conflict("--shm-size", "--ipc host", "the /dev/shm is the host's");
  }
  if (cgroupns === "private" && !host.cgroupNamespaces) {
    throw new GantryError("failed_precondition", "--cgroupns private: this kernel has no cgroup namespaces", {
      hint: "leave it out, or run Linux 4.6 or later",
    });
  }
  return {
    network: options.network === "none",
    pid: options.pid !== "host",
    ipc: options.ipc !== "host",
    uts: options.uts !== "host",
    cgroup: cgroupns === undefined ? host.cgroup.mode === "v2" : cgroupns === "private",
  };
}

/** The isolation that a spec file has; a namespace that is joined by its path counts as shared. */
export function isolationOfSpec(spec: Spec): Isolation {
  const has = (type: string): boolean =>
    spec.linux?.namespaces?.some((namespace) => namespace.type === type && (namespace.path ?? "") === "") === true;
  return { network: has("network"), pid: has("pid"), ipc: has("ipc"), uts: has("uts"), cgroup: has("cgroup") };
}

/** The namespaces for the spec; those not named are the host's. */
export function namespacesOf(isolation: Isolation): readonly Namespace[] {
  const { network, uts, pid, ipc, cgroup } = isolation;
  const own = Object.entries({ network, uts, pid, ipc, cgroup }).filter(([, isOwn]) => isOwn).map(([type]) => type);
  return ["mount", ...own].map((type) => ({ type }));
}

function conflict(flag: string, other: string, why: string): GantryError {
  return new GantryError("invalid_argument", `${flag} cannot be combined with ${other}: ${why}`, {
    hint: "leave one of them out",
  });
}
