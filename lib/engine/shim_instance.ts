import type { InstancePaths } from "./container_paths.ts";

/** Where an instance keeps what belongs to containers on shims of its own. */
export function shimInstance({ root, state }: InstancePaths): InstancePaths {
  return { root: `${root}/shim`, state: `${state}/shim` };
}
