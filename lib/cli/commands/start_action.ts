import { GantryError } from "../../base/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import { attendedStart } from "../attended_container.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import { attend } from "../foreground.ts";
import { startAndLeave } from "../start_and_leave.ts";
import { startCodeOf, tellStartFailure } from "../start_code.ts";
import { assertTerminal } from "../terminal.ts";
import type { startFlags } from "./start.ts";

type StartFlags = ValuesOf<typeof startFlags>;

/** Starts containers: leaves them running, or attends to the one. */
export async function run({ flags, args }: Invocation<StartFlags>, context: CliContext): Promise<number> {
  const [reference = ""] = args;
  const attends = flags.attach || flags.interactive;
  if (attends && args.length > 1) {
    throw new GantryError("invalid_argument", `-a and -i are for one container, not for ${args.length}`, {
      hint: "start the others without, and attach to them: gantry attach",
    });
  }
  await using engine = await openEngine(context);
  return attends ? await startAttended(engine, reference, { flags, context }) : await startEach(engine, args, context);
}

async function startEach(engine: Engine, references: readonly string[], context: CliContext): Promise<number> {
  let startCode: number | undefined;
  const code = await eachContainer(references, async ({ id }) => {
    const plan = await engine.load(id, { signal: context.signal });
    try {
      await startAndLeave(engine, plan, context);
    } catch (error) {
      startCode = startCodeOf(error);
      throw error;
    }
  }, { engine, context, done: ({ reference }) => context.output.line(reference, "started") });
  return references.length === 1 ? startCode ?? code : code;
}

/** context.signal is not read here: signals belong to the container. */
async function startAttended(
  engine: Engine,
  reference: string,
  { flags, context }: { readonly flags: StartFlags; readonly context: CliContext },
): Promise<number> {
  const plan = await engine.load(await engine.resolve(reference));
  const tty = plan.spec.process?.terminal === true;
  if (tty && flags.interactive) assertTerminal("leave out -i, or run gantry in a terminal");
  try {
    return await attend(attendedStart(engine, plan, context), { ...flags, context, tty });
  } catch (error) {
    return tellStartFailure(error, context);
  }
}
