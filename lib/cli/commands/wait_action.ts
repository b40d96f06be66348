import { GantryError } from "../../base/errors.ts";
import { didYouMean } from "../../base/suggest.ts";
import { type WaitCondition, waitConditions, waitForCondition } from "../../engine/wait_condition.ts";
import type { ExitStatus } from "../../wire/task.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer, type NamedContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import { reportWarning } from "../report.ts";
import type { waitFlags } from "./wait.ts";

/** How one ended. */
interface Row {
  /** As the user wrote it. */
  readonly Container: string;
  readonly ID: string;
  /** -1 when it has none. */
  readonly ExitCode: number;
  readonly ExitedAt: string | undefined;
  /** False when the code stands for one that was lost. */
  readonly Exact: boolean;
}

/** Waits for all at once; prints each when it and all before it are as they should be. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof waitFlags>>,
  context: CliContext,
): Promise<number> {
  const conditions = conditionsOf(flags.condition);
  await using engine = await openEngine(context);
  const exits = new Map<string, ExitStatus | undefined>();
  return await eachContainer(args, async ({ id, reference }) => {
    const { signal, clock } = context;
    exits.set(reference, await waitForCondition(engine, id, { conditions, signal, clock }));
  }, { engine, context, done: (container) => print(container, exits.get(container.reference), context) });
}

function conditionsOf(words: readonly string[]): readonly WaitCondition[] | undefined {
  if (words.length === 0) return undefined;
  return words.flatMap((word) => word.split(",")).map((word) => {
    const found = waitConditions.find((condition) => condition === word);
    if (found !== undefined) return found;
    throw new GantryError("invalid_argument", `${JSON.stringify(word)} is not a condition`, {
      hint: didYouMean(word, waitConditions) ?? `it is one of ${waitConditions.join(", ")}`,
    });
  });
}

function print({ id, reference }: NamedContainer, exit: ExitStatus | undefined, context: CliContext): void {
  if (exit?.exact === false) {
    reportWarning(`how container ${reference} ended is not known; ${exit.code} stands for it`, context.stderr, context);
  }
  const row: Row = {
    Container: reference,
    ID: id,
    ExitCode: exit?.code ?? -1,
    ExitedAt: exit === undefined || exit.exitedAt === 0 ? undefined : new Date(exit.exitedAt).toISOString(),
    Exact: exit?.exact ?? false,
  };
  context.output.one(row, ({ ExitCode }) => String(ExitCode));
}
