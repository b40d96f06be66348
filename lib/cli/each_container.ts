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
  readonly engine: Pick<Engine, "resolve">;
  readonly context: Pick<CliContext, "signal" | "stderr" | "json"> & {
    readonly settings: Pick<CliContext["settings"], "debug">;
  };
  /** A container that is not there is passed over in silence (`-f`). Default false. */
  readonly ignoreMissing?: boolean | undefined;
  /** Called for each that succeeded, in the order given, as soon as those before it have ended too: prints results. */
  readonly done?: ((container: NamedContainer) => void) | undefined;
}

/**
 * Does something with each container named, all at once, so that ten that take ten seconds to stop take ten seconds. A
 * failure is told on stderr and does not keep the others. Resolves to the exit code: 0, or 1 when one failed.
 */
export async function eachContainer(
  references: readonly string[],
  work: (container: NamedContainer) => Promise<void>,
  { engine, context, ignoreMissing = false, done }: EachOptions,
): Promise<number> {
  const running = [...new Set(references)].map(async (reference): Promise<NamedContainer> => {
    const container = { id: await engine.resolve(reference, { signal: context.signal }), reference };
    await work(container);
    return container;
  });
  const all = Promise.allSettled(running);
  let code = 0;
  for (const each of running) {
    let container: NamedContainer;
    try {
      container = await each;
    } catch (error) {
      if (ignoreMissing && isCode(error, "not_found")) continue;
      if (isCode(error, "unavailable") || isCode(error, "cancelled")) {
        // Nobody answers any of them: one error for all, and 125.
        await all;
        throw error;
      }
      reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
      code = 1;
      continue;
    }
    done?.(container);
  }
  return code;
}
