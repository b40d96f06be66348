import type { ContainerPlan } from "./container_plan.ts";
import { detachedStdio } from "./detached_stdio.ts";
import type { Engine, VerbOptions } from "./engine.ts";
import { makeAndStart } from "./make_and_start.ts";

/** Options of {@link runDetached}. */
export interface DetachedOptions extends VerbOptions {
  /** Keeps stdin open with nothing in it; otherwise the process reads its end at once. */
  readonly stdin: boolean;
  /** Called with its pid before it runs; when it fails, the container is undone. */
  readonly onCreated?: ((pid: number) => Promise<void>) | undefined;
}

/**
 * Makes and starts a container that nobody attends to: its shim appends what it writes to two plain files, so no reader is
 * needed and nothing is lost when we die; with `log` none it goes nowhere. Whatever fails is undone.
 */
export async function runDetached(
  engine: Engine,
  plan: ContainerPlan,
  { stdin, signal, onCreated }: DetachedOptions,
): Promise<{ readonly pid: number }> {
  return await makeAndStart(engine, plan, {
    signal,
    openStdio: () => detachedStdio(plan, { stdin }),
    created: onCreated,
  });
}
