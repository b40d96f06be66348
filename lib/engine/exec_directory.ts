import { containerPaths } from "./container_paths.ts";
import type { Engine } from "./engine.ts";
import type { ExecRef } from "./task_api.ts";

/** Where an instance is and which namespace it works in. */
export type ExecScope = Pick<Engine, "instance" | "namespace">;

/** Directory of an exec's FIFOs. The ids must have been checked: they become path segments. */
export function execDirectory(scope: ExecScope, { containerId, execId }: ExecRef): string {
  return `${execsDirectory(scope, containerId)}/${execId}`;
}

/** Directory that holds those of all execs of a container. */
export function execsDirectory({ instance, namespace }: ExecScope, containerId: string): string {
  return `${containerPaths(instance, namespace, containerId).run}/exec`;
}

/**
 * Removes the directory of an exec and those above it that only execs have made. Never fails: the container's removal takes
 * along what is left.
 */
export async function removeExecDirectory(scope: ExecScope, ref: ExecRef): Promise<void> {
  await Deno.remove(execDirectory(scope, ref), { recursive: true }).catch(() => {});
  await removeEmptyAbove(scope, ref.containerId);
}

/** Removes the directories above those of the execs when nothing is in them. */
export async function removeEmptyAbove(scope: ExecScope, containerId: string): Promise<void> {
  const execs = execsDirectory(scope, containerId);
  for (const directory of [execs, containerPaths(scope.instance, scope.namespace, containerId).run]) {
    try {
      // Not recursive: one with something in it stays.
      await Deno.remove(directory);
    } catch {
      return;
    }
  }
}
