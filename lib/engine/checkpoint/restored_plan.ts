import { assertName, isName, newId, shortId } from "../../wire/identifier.ts";
import type { Spec } from "../../wire/oci.ts";
import { type ContainerPaths, containerPaths, type InstancePaths } from "../container_paths.ts";
import { type ContainerPlan, labelKeys, timeoutOf } from "../container_plan.ts";
import type { RootfsOption } from "../container_options.ts";
import { overlayMounts } from "../overlay_mounts.ts";
import { cgroupsPathOf } from "../spec/cgroup_path.ts";
import type { CheckpointRecord } from "./checkpoint_record.ts";
import { withoutCriuConfig } from "./criu_config.ts";

/** Where a checkpoint becomes a container, and as which. */
export interface RestoredPlanOptions {
  readonly instance: InstancePaths;
  /** containerd's namespace. */
  readonly namespace: string;
  /** Default a new one. */
  readonly id?: string | undefined;
  /** Default the name that the container had. */
  readonly name?: string | undefined;
  /** Root filesystem; default the directory it had, on this host. */
  readonly rootfs?: RootfsOption | undefined;
}

/**
 * The plan of a new container that goes on from a checkpoint: what it was, with everything replaced that depends on its id
 * or on where its files are.
 */
export function planRestored(record: CheckpointRecord, options: RestoredPlanOptions): ContainerPlan {
  const { instance, namespace, id = newId() } = options;
  const name = options.name ?? (isName(record.containerName) ? record.containerName : shortId(id));
  assertName(name);
  const rootfs = options.rootfs ?? { path: record.rootfs.path, overlay: record.rootfs.overlay };
  const paths = containerPaths(instance, namespace, id);
  const labels: Readonly<Record<string, string>> = {
    ...record.labels,
    [labelKeys.name]: name,
    [labelKeys.rootfs]: `${rootfs.path}${rootfs.overlay ? ":O" : ""}`,
    [labelKeys.data]: paths.data,
    [labelKeys.checkpoint]: record.id,
  };
  return {
    id,
    name,
    namespace,
    runtime: record.runtime,
    labels,
    spec: specFor(record, { id, paths, rootPath: rootfs.overlay ? "rootfs" : rootfs.path }),
    files: record.files ?? [],
    rootfs: rootfs.overlay ? overlayMounts(rootfs.path, paths) : [],
    detached: true,
    autoRemove: labels[labelKeys.autoRemove] === "true",
    log: labels[labelKeys.log] === "none" ? "none" : "file",
    timeoutMs: timeoutOf(labels),
    paths,
    warnings: [],
  };
}

interface Place {
  readonly id: string;
  readonly paths: ContainerPaths;
  readonly rootPath: string;
}

function specFor(record: CheckpointRecord, { id, paths, rootPath }: Place): Spec {
  const oldData = record.labels[labelKeys.data];
  // An imported checkpoint is stored under the new id; where its files were names the old one.
  const oldId = oldData === undefined ? record.container : oldData.slice(oldData.lastIndexOf("/") + 1);
  const spec = oldData === undefined ? record.spec : withoutCriuConfig(record.spec, oldData);
  const { hostname, process, mounts, linux } = spec;
  // The restored processes keep the name they had; a later start from this spec gets the new one.
  const isDefaultHostname = hostname === shortId(oldId);
  const oldEntry = `HOSTNAME=${shortId(oldId)}`;
  return {
    ...spec,
    root: { ...spec.root, path: rootPath },
    ...(isDefaultHostname ? { hostname: shortId(id) } : {}),
    ...(process?.env === undefined || !isDefaultHostname ? {} : {
      process: { ...process, env: process.env.map((entry) => entry === oldEntry ? `HOSTNAME=${shortId(id)}` : entry) },
    }),
    ...(mounts === undefined || oldData === undefined ? {} : {
      mounts: mounts.map((mount) =>
        mount.source?.startsWith(`${oldData}/`)
          ? { ...mount, source: `${paths.data}${mount.source.slice(oldData.length)}` }
          : mount
      ),
    }),
    ...(linux === undefined
      ? {}
      : { linux: { ...linux, cgroupsPath: cgroupsPathFor(linux.cgroupsPath, { oldId, id }) } }),
  };
}

/** `/gantry/OLD` or `system.slice:gantry:OLD` with the new id; a path that another program chose is given up. */
function cgroupsPathFor(
  path: string | undefined,
  { oldId, id }: { readonly oldId: string; readonly id: string },
): string {
  return path?.endsWith(oldId) ? `${path.slice(0, -oldId.length)}${id}` : cgroupsPathOf(id);
}
