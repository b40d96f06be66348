import { isCode } from "../../base/errors.ts";
import { readStat } from "../../base/proc.ts";
import type { ContainerPlan } from "../container_plan.ts";
import { labelKeys } from "../container_plan.ts";
import type { Engine, VerbOptions } from "../engine.ts";
import type { RunningContainer } from "../running_container.ts";
import type { ContainerRoot } from "./container_root.ts";

/**
 * Where a container's files are now: in the view of its process while it has one; else where its root filesystem is, or
 * was, mounted; else in the layers of its overlay.
 */
export async function rootOf(
  engine: Pick<Engine, "running" | "load">,
  id: string,
  options: VerbOptions = {},
): Promise<ContainerRoot> {
  const running = await engine.running(id, options).catch((error: unknown) => {
    if (isCode(error, "failed_precondition")) return undefined;
    throw error;
  });
  if (running !== undefined && isAlive(running)) return { kind: "process", process: running };
  const plan = await engine.load(id, options);
  const path = plan.spec.root?.path ?? "";
  if (path.startsWith("/")) return { kind: "directory", path };
  const mounted = running?.bundle === undefined ? undefined : `${running.bundle}/${path}`;
  if (mounted !== undefined && await isMountPoint(mounted)) return { kind: "directory", path: mounted };
  return overlayOf(plan);
}

function isAlive({ pid, startTime }: RunningContainer): boolean {
  const stat = readStat(pid);
  return stat?.startTime === startTime && stat.state !== "Z" && stat.state !== "X";
}

/** The task of a container that has ended keeps the overlay mounted; a second mount would not see its changes. */
async function isMountPoint(path: string): Promise<boolean> {
  try {
    const [inside, outside] = await Promise.all([Deno.stat(path), Deno.stat(`${path}/..`)]);
    return inside.dev !== outside.dev;
  } catch {
    return false;
  }
}

function overlayOf({ labels, paths }: ContainerPlan): ContainerRoot {
  const lower = (labels[labelKeys.rootfs] ?? "").replace(/:O$/, "");
  return { kind: "overlay", layers: { upper: paths.overlayUpper, work: paths.overlayWork, lowers: [lower] } };
}
