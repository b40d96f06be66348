import { parseBytes } from "../../base/bytes.ts";
import { GantryError } from "../../base/errors.ts";
import { parseCpuset } from "../../engine/spec/cpuset.ts";
import { parseMemorySwap } from "../../engine/spec/memory_limits.ts";
import type { UpdateOptions } from "../../engine/spec/update_resources.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { eachContainer } from "../each_container.ts";
import { openEngine } from "../engine.ts";
import { reportWarning } from "../report.ts";
import type { updateFlags } from "./update.ts";

type UpdateFlags = ValuesOf<typeof updateFlags>;

/** Sets the same limits of each container named. */
export async function run({ flags, args }: Invocation<UpdateFlags>, context: CliContext): Promise<number> {
  const limits = limitsOf(flags);
  if (Object.values(limits).every((limit) => limit === undefined)) {
    throw new GantryError("invalid_argument", "nothing to update", {
      hint: "give a limit, e.g. --memory 1g, --cpus 1.5 or --pids-limit 200",
    });
  }
  await using engine = await openEngine(context);
  return await eachContainer(args, async ({ id, reference }) => {
    const warnings = await engine.update(id, limits, { signal: context.signal });
    for (const warning of warnings) reportWarning(`${reference}: ${warning}`, context.stderr, { json: context.json });
  }, { engine, context, done: ({ reference }) => context.output.line(reference, "updated") });
}

function limitsOf(flags: UpdateFlags): UpdateOptions {
  return {
    memory: flags.memory === undefined ? undefined : memoryLimit(flags.memory),
    memorySwap: flags.memorySwap === undefined ? undefined : parseMemorySwap(flags.memorySwap),
    memoryReservation: flags.memoryReservation,
    cpus: flags.cpus,
    cpuShares: flags.cpuShares,
    cpusetCpus: flags.cpusetCpus === undefined ? undefined : parseCpuset("--cpuset-cpus", flags.cpusetCpus),
    cpusetMems: flags.cpusetMems === undefined ? undefined : parseCpuset("--cpuset-mems", flags.cpusetMems),
    pidsLimit: flags.pidsLimit,
    blkioWeight: flags.blkioWeight,
  };
}

/** A size, or -1 to take the limit away. */
function memoryLimit(text: string): number {
  if (text === "-1") return -1;
  try {
    return parseBytes(text);
  } catch (error) {
    throw new GantryError("invalid_argument", `--memory: ${JSON.stringify(text)} is not a size`, {
      hint: "write it as 2g or 512m (units of 1024), or -1 for no limit",
      cause: error,
    });
  }
}
