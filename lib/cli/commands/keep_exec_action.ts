import { copy, nowhere } from "../../engine/copy.ts";
import { execDirectory, removeExecDirectory } from "../../engine/exec_directory.ts";
import { endExec } from "../../engine/exec_end.ts";
import { openFifo } from "../../engine/fifo.ts";
import { ignoreMissing } from "../../engine/ignore_missing.ts";
import { assertId } from "../../wire/identifier.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import type { keepExecFlags } from "./keep_exec.ts";

/** How long a containerd that is away is waited for, and a shim that waits for output which somebody holds open. */
const endMs = 60_000;

/** Ends an exec, or drains it to its end, and frees it. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof keepExecFlags>>,
  context: CliContext,
): Promise<number> {
  const [containerId = "", execId = ""] = args;
  assertId(containerId);
  assertId(execId);
  const ref = { containerId, execId };
  await using engine = await openEngine(context);
  // Always: a shim that is just starting it waits 30 s for a reader, then takes the start for failed and loses the process.
  using _drained = drain(execDirectory(engine, ref));
  // Its container may have gone.
  if (flags.drain) await ignoreMissing(engine.wait(ref, { signal: context.signal }));
  const isFreed = await endExec(engine, ref, { clock: context.clock, withinMs: endMs });
  await removeExecDirectory(engine, ref);
  return isFreed ? 0 : 1;
}

/** Reads what it writes until that is disposed. Nothing was lost before: the shim holds both ends of its FIFOs. */
function drain(directory: string): Disposable {
  using readers = new DisposableStack();
  for (const name of ["stdout", "stderr"]) {
    // Held: it may have no writer yet.
    const reader = openFifo(`${directory}/${name}`, { hold: true });
    if (reader !== undefined) void copy(readers.use(reader), nowhere).catch(() => {});
  }
  return readers.move();
}
