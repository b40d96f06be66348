import { bundlesDirectory, runtimeDirectory } from "../../shim/bundles_directory.ts";
import type { Leak, LeakKind } from "../../shim/leak.ts";
import { findLeakedGroups } from "../../shim/leaked_groups.ts";
import { findLeakedStates } from "../../shim/leaked_states.ts";
import { findLeaks } from "../../shim/leaks.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { reportError } from "../report.ts";
import type { shimGcFlags } from "./shim.ts";

/** A line; its keys are the fields of `--format`. */
interface Row {
  readonly Kind: LeakKind;
  /** A path; of a shim its pid. */
  readonly What: string;
  readonly Why: string;
  /** False when it is only named. */
  readonly Removed: boolean;
}

/** Removes what leaked, or names it. What cannot be removed does not keep the rest. */
export async function run(
  { flags: { dryRun } }: Invocation<ValuesOf<typeof shimGcFlags>>,
  context: CliContext,
): Promise<number> {
  const { signal, stderr } = context;
  let code = 0;
  for (const leak of await findAll(context)) {
    try {
      signal.throwIfAborted();
      if (!dryRun) await leak.remove();
    } catch (error) {
      if (signal.aborted) throw error;
      reportError(error, stderr, { json: context.json, debug: context.settings.debug });
      code = 1;
      continue;
    }
    for (const row of rowsOf(leak, !dryRun)) context.output.one(row, textOf);
  }
  return code;
}

/** The bundles first: what hangs on them goes with them. */
async function findAll({ settings, env, clock, signal }: CliContext): Promise<readonly Leak[]> {
  const root = bundlesDirectory(settings.state);
  const runtimeRoot = runtimeDirectory(settings.state);
  const options = { clock, signal, path: env["PATH"], runtimeRoot };
  const leaks = [
    ...await findLeaks(root, options),
    ...await findLeakedStates(root, options),
    ...await findLeakedGroups(root, options),
  ];
  const parts = new Set(leaks.flatMap((leak) => leak.parts.map(({ what }) => what)));
  return leaks.filter(({ what }) => !parts.has(what));
}

function rowsOf({ kind, what, why, parts }: Leak, isRemoved: boolean): readonly Row[] {
  const own = { Kind: kind, What: what, Why: why, Removed: isRemoved };
  const others = parts.map((part) => ({ Kind: part.kind, What: part.what, Why: `of ${what}`, Removed: isRemoved }));
  return [own, ...others];
}

function textOf({ Kind, What, Why, Removed }: Row): string {
  return `${Removed ? "removed" : "would remove"} ${Kind} ${What}: ${Why}`;
}
