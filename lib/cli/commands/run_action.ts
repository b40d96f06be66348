import { newId } from "../../wire/identifier.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { chooseEngine, openEngine } from "../engine.ts";
import { EarlyInterruption } from "../early_interruption.ts";
import { Timings } from "../timings.ts";
import { ociRuntimePath } from "./oci_runtime_path.ts";
import type { runFlags } from "./run.ts";

/**
 * Runs a container and resolves to its exit code. The engine first: what it can begin before the container is planned goes
 * on while all that plans and attends is loaded, which takes as long as a shim's start.
 */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof runFlags>>,
  context: CliContext,
): Promise<number> {
  const timings = flags.timings ? new Timings(context.clock) : undefined;
  const choice = await chooseEngine(context);
  const { kind, instance } = choice;
  const request = { flags, args, id: newId(), instance, context };
  if (flags.dryRun) return await (await import("./run_container.ts")).showRun(request, kind);
  await using opened = await openEngine(context, choice);
  const engine = timings?.watch(opened) ?? opened;
  const { id } = request;
  using early = new EarlyInterruption(context);
  engine.prepare(id, { ociRuntime: ociRuntimePath(flags.ociRuntime) });
  try {
    const { runContainer } = await import("./run_container.ts");
    return await runContainer(engine, { ...request, attending: () => early.handOver() });
  } catch (error) {
    return early.conclude(error, context);
  } finally {
    // Nothing to do once it has been reserved.
    await engine.unprepare(id);
    timings?.report(context);
  }
}
