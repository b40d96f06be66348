import type { ContainerPlan } from "./container_plan.ts";

/** The file by which a keeper says that it has opened a container's FIFOs; its pid is in it. */
export function keptPath({ paths }: Pick<ContainerPlan, "paths">): string {
  return `${paths.run}/kept`;
}
