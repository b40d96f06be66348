/** Where an instance keeps the bundles of containers whose shims it speaks to itself. `state` is its state directory. */
export function bundlesDirectory(state: string): string {
  return `${state}/shim/bundles`;
}

/** Where it has the OCI runtime keep its state of them, each in a directory of the namespace. */
export function runtimeDirectory(state: string): string {
  return `${state}/shim/runc`;
}
