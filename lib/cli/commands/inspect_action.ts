import { GantryError } from "../../base/errors.ts";
import { isRecord } from "../../base/json.ts";
import type { Engine } from "../../engine/engine.ts";
import { unpackJson } from "../../wire/any.ts";
import { encodeOci } from "../../wire/oci_json.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer, type NamedContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import { Output } from "../output.ts";
import type { inspectFlags } from "./inspect.ts";

type InspectFlags = ValuesOf<typeof inspectFlags>;

/** Shows each container named; those that are there are shown also when others are not. */
export async function run({ flags, args }: Invocation<InspectFlags>, context: CliContext): Promise<number> {
  const format = templateOf(flags, context);
  const output = new Output(context.stdout, { ...context.settings, format, env: context.env });
  await using engine = await openEngine(context);
  const found = new Map<string, object>();
  const code = await eachContainer(args, async (container) => {
    const document = flags.spec
      ? await storedSpecOf(engine, container, context.signal)
      : await engine.inspect(container.id, { signal: context.signal });
    found.set(container.reference, document);
  }, { engine, context });
  // As they were named; they may have been found in another order.
  const documents = [...new Set(args)].map((reference) => found.get(reference)).filter((one) => one !== undefined);
  if (!flags.spec || (format !== undefined && format !== "json")) output.inspect(documents);
  else if (args.length > 1) output.raw(`${encodeOci(documents, 2)}\n`);
  else if (documents.length > 0) output.raw(`${encodeOci(documents[0], 2)}\n`);
  return code;
}

/** `-f` is what docker's users type, but other commands have other uses for it, so it is a flag of its own. */
function templateOf({ template }: InspectFlags, { settings }: CliContext): string | undefined {
  if (template === undefined || settings.format === undefined) return template ?? settings.format;
  throw new GantryError("invalid_argument", "-f and --format are the same: give one of them");
}

async function storedSpecOf(
  engine: Engine,
  { id, reference }: NamedContainer,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const spec = unpackJson((await engine.record(id, { signal })).spec);
  if (isRecord(spec)) return spec;
  throw new GantryError("data_loss", `container ${reference} is stored without an OCI spec`, {
    hint: "another client of containerd may have made it",
  });
}
