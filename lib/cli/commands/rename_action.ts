import { assertName } from "../../wire/identifier.ts";
import type { Invocation } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";

/** Renames a container; says nothing, as docker. */
export async function run(
  { args }: Invocation<Readonly<Record<never, never>>>,
  context: CliContext,
): Promise<number> {
  const [reference = "", name = ""] = args;
  assertName(name);
  await using engine = await openEngine(context);
  const { signal } = context;
  await engine.rename(await engine.resolve(reference, { signal }), name, { signal });
  return 0;
}
