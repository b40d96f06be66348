import type { ContainerPlan } from "../../engine/container_plan.ts";
import { redactSpec } from "../../engine/spec/redact.ts";
import type { CliContext } from "../context.ts";

/** Prints what would be done (`--dry-run`): these RPCs, and the plan. Gives the exit code. */
export function showPlan(plan: ContainerPlan, rpcs: readonly string[], context: CliContext): number {
  const { spec, ...rest } = plan;
  context.output.one({ rpcs, ...rest, spec: redactSpec(spec) }, (record) => JSON.stringify(record, undefined, 2));
  return 0;
}
