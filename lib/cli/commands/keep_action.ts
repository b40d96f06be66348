import { getLogger } from "../../base/log.ts";
import { containerPaths } from "../../engine/container_paths.ts";
import { copy, nowhere } from "../../engine/copy.ts";
import type { Engine } from "../../engine/engine.ts";
import { type FifoReader, openFifo } from "../../engine/fifo.ts";
import { ignoreMissing } from "../../engine/ignore_missing.ts";
import { keptPath } from "../../engine/kept.ts";
import { untilAnswered } from "../../engine/outage.ts";
import { TimeLimit } from "../../engine/time_limit.ts";
import { assertId } from "../../wire/identifier.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { chooseEngine, openEngine } from "../engine.ts";
import type { keepFlags } from "./keep.ts";

const log = getLogger("keep");

/** Keeps a container until its end. Signals end the keeping, not the container. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof keepFlags>>,
  context: CliContext,
): Promise<number> {
  const [id = ""] = args;
  assertId(id);
  const choice = await chooseEngine(context);
  const paths = containerPaths(choice.instance, context.settings.namespace, id);
  using streams = new DisposableStack();
  const drained: Promise<void>[] = [];
  if (flags.drain) {
    await Deno.mkdir(paths.data, { recursive: true, mode: 0o700 });
    for (const [name, file] of [["stdout", paths.stdoutLog], ["stderr", paths.stderrLog]] as const) {
      const source = openFifo(`${paths.run}/${name}`, { hold: false });
      if (source === undefined) continue;
      streams.use(source);
      drained.push(flags.log === "none" ? copy(source, nowhere) : drain(source, file));
    }
    // From here on nobody else has to hold them.
    await Deno.writeTextFile(keptPath({ paths }), String(Deno.pid), { mode: 0o600 });
  }
  if (flags.rm || flags.timeout !== undefined) {
    await using engine = await openEngine(context, choice);
    await untilEnded(engine, id, { context, timeoutMs: flags.timeout });
    await Promise.all(drained);
    if (!flags.rm) return 0;
    await untilAnswered(() => remove(engine, id), { clock: context.clock, signal: context.signal });
  }
  await Promise.all(drained);
  return 0;
}

async function untilEnded(
  engine: Engine,
  id: string,
  { context, timeoutMs }: { readonly context: CliContext; readonly timeoutMs: number | undefined },
): Promise<void> {
  const { clock, signal } = context;
  using _limit = timeoutMs === undefined ? undefined : new TimeLimit(engine, id, { ms: timeoutMs, clock });
  // Its task may be gone already.
  await ignoreMissing(engine.wait({ containerId: id }, { signal }));
}

async function remove(engine: Engine, id: string): Promise<void> {
  // Somebody else may have been faster.
  await ignoreMissing(engine.remove(id, { force: true }));
}

/** Appends what comes out of a FIFO to a file until all who write to it have gone. */
async function drain(source: FifoReader, file: string): Promise<void> {
  using sink = await Deno.open(file, { append: true, create: true, mode: 0o600 });
  try {
    await copy(source, sink);
  } catch (error) {
    // A full disk must not stop the container: what comes now is lost, and it goes on.
    log.error("its output cannot be kept any more", { file, error });
    await copy(source, nowhere);
  }
}
