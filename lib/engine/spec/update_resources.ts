import { GantryError } from "../../base/errors.ts";
import type { Spec } from "../../wire/oci.ts";
import type { Cpu, Resources } from "../../wire/oci_resources.ts";
import { composeCpu, cpuPeriod } from "./cpu_limits.ts";
import type { HostFacts } from "./host_facts.ts";
import { updateMemory } from "./memory_limits.ts";
import { composeBlockIo, composePids, type LimitRequest, mergeResources } from "./resources.ts";

/**
 * New limits of a container, as the flags of `gantry update` give them; what is undefined stays as it is. Beside the values
 * of a new container: -1 for `memory` and 0 for `cpus` take the limit away.
 */
export type UpdateOptions = LimitRequest;

/** What an update depends on. */
export interface UpdateContext {
  /** The container's spec as it is now; see `parseStoredSpec`. */
  readonly spec: Spec;
  readonly host: Pick<HostFacts, "cgroup" | "cpus">;
}

/** What to tell the runtime, and what will not be as asked. */
export interface BuiltUpdate {
  readonly resources: Resources;
  /** A sentence each, to be shown to the user. */
  readonly warnings: readonly string[];
}

/**
 * The resources for Tasks/Update: only what changes, but memory always together with its swap. Nothing to change, and
 * what contradicts itself or the limits that are set, is `invalid_argument`; what this host cannot limit is
 * `failed_precondition`. A container that does not run needs only {@link applyResources}.
 */
export function buildUpdateResources(options: UpdateOptions, { spec, host }: UpdateContext): BuiltUpdate {
  if (Object.values(options).every((value) => value === undefined)) {
    throw new GantryError("invalid_argument", "nothing to update", {
      hint: "give a limit, e.g. --memory 1g, --cpus 1.5 or --pids-limit 200",
    });
  }
  const { memory, warnings } = updateMemory(options, spec.linux?.resources?.memory, host);
  const cpu = updateCpu(options, host);
  const pids = composePids(options.pidsLimit, host);
  const blockIO = composeBlockIo(options.blkioWeight, host);
  return {
    resources: {
      ...(memory === undefined || Object.keys(memory).length === 0 ? {} : { memory }),
      ...(cpu === undefined ? {} : { cpu }),
      ...(pids === undefined ? {} : { pids }),
      ...(blockIO === undefined ? {} : { blockIO }),
    },
    warnings,
  };
}

/** The spec with new limits, so that the container has them also when it is started again. */
export function applyResources(spec: Spec, resources: Resources): Spec {
  return { ...spec, linux: { ...spec.linux, resources: mergeResources(spec.linux?.resources, resources) } };
}

/** The runtime takes 0 for "as it is", so that a limit is taken away only by a quota of -1. */
function updateCpu(options: UpdateOptions, host: UpdateContext["host"]): Cpu | undefined {
  if (options.cpus !== 0) return composeCpu(options, host);
  return { ...composeCpu({ ...options, cpus: undefined }, host), quota: -1, period: cpuPeriod };
}
