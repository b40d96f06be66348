import { isCode } from "../../base/errors.ts";
import type { Engine, VerbOptions } from "../../engine/engine.ts";

/**
 * Removes by force the container that has this very name, for `--replace`; nothing happens when none has. Looked up in the
 * list and not as a reference, which may also be the start of somebody else's id.
 */
export async function replaceContainer(engine: Engine, name: string, options: VerbOptions = {}): Promise<void> {
  const found = (await engine.list(options)).filter((container) => container.name === name);
  for (const { id } of found) {
    try {
      await engine.remove(id, { ...options, force: true });
    } catch (error) {
      // One that goes away by itself was faster.
      if (!isCode(error, "not_found")) throw error;
    }
  }
}
