import { isCode } from "../../base/errors.ts";
import { containerPaths } from "../../engine/container_paths.ts";
import { copy } from "../../engine/copy.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { instanceOf, openEngine } from "../engine.ts";
import type { keepFlags } from "./keep.ts";

/** Keeps a container until its end. Signals end the keeping, not the container. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof keepFlags>>,
  context: CliContext,
): Promise<number> {
  const [id = ""] = args;
  const paths = containerPaths(instanceOf(context), context.settings.namespace, id);
  const drained = flags.drain
    ? Promise.all([
      drain(`${paths.run}/stdout`, paths.stdoutLog),
      drain(`${paths.run}/stderr`, paths.stderrLog),
    ])
    : Promise.resolve([]);
  if (flags.rm) {
    await using engine = await openEngine(context);
    await engine.wait({ containerId: id }, { signal: context.signal });
    await drained;
    await engine.remove(id, { force: true }).catch((error: unknown) => {
      // Somebody else was faster.
      if (!isCode(error, "not_found")) throw error;
    });
  }
  await drained;
  return 0;
}

/** Appends what comes out of a FIFO to a file until all who write to it have gone. A FIFO that is not there has nothing. */
async function drain(fifo: string, log: string): Promise<void> {
  if (!await Deno.lstat(fifo).then((info) => info.isFifo, () => false)) return;
  await Deno.mkdir(log.slice(0, log.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  using source = await Deno.open(fifo, { read: true });
  using sink = await Deno.open(log, { append: true, create: true, mode: 0o600 });
  await copy(source, sink);
}
