import { isCode } from "../base/errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { CliContext } from "./context.ts";
import { reportError } from "./report.ts";

/** A container that the user named. */
export interface NamedContainer {
  readonly id: string;
  /** As the user wrote it. */
  readonly reference: string;
}

/** Options of {@link eachContainer}. */
export interface EachOptions {
  readonly engine: Engine;
  readonly context: CliContext;
  /** A container that is not there is passed over in silence (`-f`). Default false. */
  readonly ignoreMissing?: boolean | undefined;
}

/** Does something with one container; what it gives back is called to tell the result, in the order of the command line. */
export type ContainerWork = (container: NamedContainer) => Promise<void | (() => void)>;

/**
 * Does something with each container named, all at once, so that ten that take ten seconds to stop take ten seconds. A
 * failure is told on stderr and does not keep the others. Resolves to the exit code: 0, or 1 when one failed.
 */
export async function eachContainer(
  references: readonly string[],
  work: ContainerWork,
  { engine, context, ignoreMissing = false }: EachOptions,
): Promise<number> {
  const outcomes = [...new Set(references)].map(async (reference) => {
    try {
      const id = await engine.resolve(reference, { signal: context.signal });
      const tell = await work({ id, reference });
      return { tell };
    } catch (error) {
      return { error };
    }
  });
  let code = 0;
  for (const outcome of outcomes) {
    const { tell, error } = await outcome;
    tell?.();
    if (error === undefined) continue;
    if (isCode(error, "unavailable") || isCode(error, "cancelled")) {
      // Nobody answers any of them: one error for all, and 125.
      await Promise.all(outcomes);
      throw error;
    }
    if (ignoreMissing && isCode(error, "not_found")) continue;
    reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
    code = 1;
  }
  return code;
}
