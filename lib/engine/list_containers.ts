import type { Clock } from "../base/clock.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { summarize } from "./container_summary.ts";
import type { ContainerSummary, ListOptions } from "./engine.ts";
import { filterFacts } from "./filter_matching.ts";
import { listTasks } from "./list_tasks.ts";
import type { Runtime } from "./runtime.ts";

/** All stored containers with what runs of them, the newest first. Records and tasks are asked for at the same time. */
export async function listContainers(
  { records, tasks }: Pick<Runtime, "records" | "tasks">,
  { facts, clock, ...call }: CallOptions & Pick<ListOptions, "facts"> & { readonly clock: Clock },
): Promise<readonly ContainerSummary[]> {
  const stored = records.list(call);
  // Its failure is looked at below, which may be too late for Deno.
  stored.catch(() => {});
  const ids = async (): Promise<readonly string[]> => (await stored).map(({ id }) => id);
  const states = await listTasks(tasks, { ...call, clock, ids });
  const byId = new Map(states.map((state) => [state.containerId, state]));
  const summaries = (await stored).map((record) => ({
    ...summarize(record, byId.get(record.id)),
    ...(facts === true ? { facts: filterFacts(record) } : {}),
  }));
  return summaries.sort((a, b) => b.createdAt - a.createdAt);
}
