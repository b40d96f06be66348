import { witnessExit } from "../shim/exit_witness.ts";
import { readRuncState, type RuncScope } from "./runc_state.ts";
import type { ProcessRef } from "./task_api.ts";
import type { Witness } from "./wait.ts";

/** The shims of containers, for asking them in an outage of containerd. */
export class ShimWitnesses {
  readonly #scope: RuncScope;
  readonly #bundles = new Map<string, string | undefined>();

  constructor(scope: RuncScope) {
    this.#scope = scope;
  }

  /** Notes where a container's bundle is, and with it the address of its shim. */
  remember(id: string, bundle: string | undefined): void {
    this.#bundles.set(id, bundle);
  }

  /** The container has gone. */
  forget(id: string): void {
    this.#bundles.delete(id);
  }

  /** Somebody who sees a container's first process end; lives as long as `stack`. Undefined for execs and the unknown. */
  async find({ containerId, execId }: ProcessRef, stack: AsyncDisposableStack): Promise<Witness | undefined> {
    if (execId !== undefined) return undefined;
    // Those that others have made are found through runc.
    const bundle = this.#bundles.get(containerId) ?? readRuncState(containerId, this.#scope)?.bundle;
    if (bundle === undefined) return undefined;
    const witness = await witnessExit(bundle, { id: containerId, namespace: this.#scope.namespace });
    return witness === undefined ? undefined : stack.use(witness);
  }
}
