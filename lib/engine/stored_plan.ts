import type { ContainerRecord } from "../wire/container_record.ts";
import { unpackJson } from "../wire/any.ts";
import { containerPaths, type InstancePaths } from "./container_paths.ts";
import { type ContainerPlan, labelKeys, timeoutOf } from "./container_plan.ts";
import { overlayMounts } from "./overlay_mounts.ts";
import { parseStoredSpec } from "./spec/spec_file.ts";

/**
 * The plan that a stored container was made by, from its record alone: the same after a restart of gantry, and also for
 * one that another client made. `data_loss` for a record whose spec is none.
 */
export function storedPlan(
  record: ContainerRecord,
  { instance, namespace }: { readonly instance: InstancePaths; readonly namespace: string },
): ContainerPlan {
  const { id, labels, runtime } = record;
  const paths = containerPaths(instance, namespace, id);
  const rootfs = labels[labelKeys.rootfs];
  return {
    id,
    name: labels[labelKeys.name] ?? id,
    namespace,
    runtime,
    labels,
    spec: parseStoredSpec(unpackJson(record.spec)),
    rootfs: rootfs?.endsWith(":O") ? overlayMounts(rootfs.slice(0, -":O".length), paths) : [],
    detached: false,
    autoRemove: labels[labelKeys.autoRemove] === "true",
    log: labels[labelKeys.log] === "none" ? "none" : "file",
    timeoutMs: timeoutOf(labels),
    paths,
    files: [],
    warnings: [],
  };
}
