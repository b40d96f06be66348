import { GantryError, isCode } from "../../base/errors.ts";
import { signalNumber } from "../../base/signals.ts";
import type { Engine } from "../../engine/engine.ts";
import type { KillRequest } from "../../engine/task_api.ts";
import { isId } from "../../wire/identifier.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer, type NamedContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import type { killFlags } from "./kill.ts";

type KillFlags = ValuesOf<typeof killFlags>;

/** Signals each container named: one RPC each, when it is named in full. */
export async function run({ flags, args }: Invocation<KillFlags>, context: CliContext): Promise<number> {
  const signal = signalNumber(flags.signal);
  assertExec(flags, args);
  await using engine = await openEngine(context);
  const request: KillRequest = flags.all ? { signal, all: true } : { signal };
  return await eachContainer(args, async (container) => {
    if (flags.exec !== undefined) return await killExec(engine, container, { execId: flags.exec, request, context });
    if (flags.all) await assertRuns(engine, container, context);
    await engine.kill({ containerId: container.id }, request, { signal: context.signal });
  }, { engine, context, done: ({ reference }) => context.output.line(flags.exec ?? reference, "killed") });
}

function assertExec({ exec, all }: KillFlags, args: readonly string[]): void {
  if (exec === undefined) return;
  if (all) {
    throw new GantryError("invalid_argument", "--exec and --all exclude each other", {
      hint: "--all is for every process of the container",
    });
  }
  if (args.length > 1) {
    throw new GantryError("invalid_argument", `--exec is for one container, not for ${args.length}`, {
      hint: "an exec is in one container",
    });
  }
  if (!isId(exec)) throw new GantryError("invalid_argument", `${JSON.stringify(exec)} is not the id of an exec`);
}

/** runc takes a signal for all processes of a container that has ended, and does nothing. */
async function assertRuns(engine: Engine, { id, reference }: NamedContainer, { signal }: CliContext): Promise<void> {
  const { status } = await engine.state({ containerId: id }, { signal });
  if (status !== "stopped") return;
  throw new GantryError("not_found", `container ${reference} does not run`, {
    hint: `start it: gantry start ${reference}`,
  });
}

async function killExec(
  engine: Engine,
  { id, reference }: NamedContainer,
  { execId, request, context }: {
    readonly execId: string;
    readonly request: KillRequest;
    readonly context: CliContext;
  },
): Promise<void> {
  try {
    await engine.kill({ containerId: id, execId }, request, { signal: context.signal });
  } catch (error) {
    if (!isCode(error, "not_found") || !/process/.test(error.message)) throw error;
    throw new GantryError("not_found", `no exec ${execId} runs in container ${reference}`, {
      cause: error,
      hint: "give its whole id",
    });
  }
}
