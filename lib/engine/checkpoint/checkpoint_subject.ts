import { GantryError } from "../../base/errors.ts";
import { readStat } from "../../base/proc.ts";
import { shortId } from "../../wire/identifier.ts";
import { type ContainerPaths, containerPaths } from "../container_paths.ts";
import { labelKeys } from "../container_plan.ts";
import type { Engine, VerbOptions } from "../engine.ts";
import { readRecordFile } from "../record_file.ts";
import type { RunningContainer } from "../running_container.ts";
import type { ContainerFile } from "../spec/network_files.ts";
import { type CheckpointRootfs, isFileName } from "./checkpoint_record.ts";
import type { OverlayDirectories } from "./rootfs_diff.ts";

/** A running container that is to be checkpointed, as what is stored says. Nothing here comes from memory. */
export interface CheckpointSubject {
  readonly id: string;
  readonly name: string;
  readonly runtime: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly running: RunningContainer;
  readonly paths: ContainerPaths;
  /** What it runs on; not saved yet. */
  readonly rootfs: CheckpointRootfs;
  /** Its throw-away overlay, if it has one. */
  readonly overlay: OverlayDirectories | undefined;
}

/** Finds out about a container: without an RPC when this instance made it. `failed_precondition` when it does not run. */
export async function findSubject(
  engine: Pick<Engine, "instance" | "namespace" | "record" | "running">,
  id: string,
  options: VerbOptions,
): Promise<CheckpointSubject> {
  const running = await engine.running(id, options);
  if (!isAlive(running)) {
    throw new GantryError("failed_precondition", `container ${id} does not run`, {
      hint: `start it: gantry start ${shortId(id)}`,
    });
  }
  const own = containerPaths(engine.instance, engine.namespace, id);
  const { labels, runtime } = await readRecordFile(own.recordFile) ?? await engine.record(id, options);
  const data = labels[labelKeys.data] ?? own.data;
  const given = labels[labelKeys.rootfs] ?? running.spec.root?.path ?? "";
  const isOverlay = given.endsWith(":O");
  const lower = isOverlay ? given.slice(0, -":O".length) : given;
  return {
    id,
    name: labels[labelKeys.name] ?? id,
    runtime,
    labels,
    running,
    paths: own,
    rootfs: { path: lower, overlay: isOverlay, saved: false },
    overlay: isOverlay ? { upper: `${data}/overlay/upper`, lowers: [lower] } : undefined,
  };
}

/** The files in its data directory that its mounts show, with what is in them now. */
export async function filesOf({ running, paths }: CheckpointSubject): Promise<readonly ContainerFile[]> {
  const files: ContainerFile[] = [];
  for (const { source = "" } of running.spec.mounts ?? []) {
    const name = source.startsWith(`${paths.data}/`) ? source.slice(paths.data.length + 1) : "";
    if (!isFileName(name)) continue;
    const [{ mode }, content] = await Promise.all([Deno.stat(source), Deno.readTextFile(source)]);
    files.push({ name, content, mode: (mode ?? 0o644) & 0o777 });
  }
  return files;
}

/** True while the very process runs that was found. */
export function isAlive({ pid, startTime }: RunningContainer): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== "Z" && stat.state !== "X";
}

/** PATH of its shim, by which runc finds CRIU: what containerd gave it. Empty when the shim is gone. */
export function shimPath({ pid }: RunningContainer): string {
  try {
    const environment = Deno.readTextFileSync(`/proc/${readStat(pid)?.parent ?? 0}/environ`);
    const entry = environment.split("\0").find((variable) => variable.startsWith("PATH="));
    return entry?.slice("PATH=".length) ?? "";
  } catch {
    return "";
  }
}
