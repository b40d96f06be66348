import { GantryError } from "../base/errors.ts";
import type { ContainerSummary, Engine } from "../engine/engine.ts";
import type { CliContext } from "./context.ts";

/** What the user chose by names or by `--all`. */
export interface Choice {
  readonly all: boolean;
  /** The positionals. */
  readonly args: readonly string[];
  readonly context: CliContext;
  /** Which of all are meant; default every one. */
  readonly among?: ((container: ContainerSummary) => boolean) | undefined;
}

/** The containers that a command is for: those named, or with `--all` the ids of all. One of both must be given. */
export async function chosenContainers(
  engine: Engine,
  { all, args, context, among = () => true }: Choice,
): Promise<readonly string[]> {
  if (!all) return args;
  return (await engine.list({ signal: context.signal })).filter(among).map(({ id }) => id);
}

/** Throws `invalid_argument` unless either names or `--all` were given. */
export function assertChoice({ all, args }: Pick<Choice, "all" | "args">): void {
  if (all && args.length > 0) {
    throw new GantryError("invalid_argument", `--all and ${JSON.stringify(args[0])} exclude each other`, {
      hint: "name containers, or give --all",
    });
  }
  if (!all && args.length === 0) {
    throw new GantryError("invalid_argument", "no CONTAINER given", { hint: "name containers, or give --all" });
  }
}
