import { formatDuration } from "../base/duration.ts";
import { assertName, newId, shortId } from "../wire/identifier.ts";
import type { ContainerOptions } from "./container_options.ts";
import { containerPaths, type InstancePaths } from "./container_paths.ts";
import { type ContainerPlan, labelKeys } from "./container_plan.ts";
import { overlayMounts } from "./overlay_mounts.ts";
import { prepareSpec } from "./spec/prepare.ts";

/** What must be asked for, and what may be: see {@link ContainerOptions} for each, and {@link defaults} for the rest. */
export type ContainerRequest = Pick<ContainerOptions, "rootfs" | "command"> & Partial<ContainerOptions>;

/** Where a container will live, and how. */
export interface PlanContext {
  /** Its id, 64 hex digits; default a new one. */
  readonly id?: string | undefined;
  /** Directories of the gantry instance. */
  readonly instance: InstancePaths;
  /** containerd's namespace. */
  readonly namespace: string;
  /** stdout and stderr go to files; default false. */
  readonly detached?: boolean | undefined;
  /** It goes away when it has ended; default false. */
  readonly autoRemove?: boolean | undefined;
}

/** What an option is when nothing is said. */
const defaults = {
  env: [],
  tty: false,
  stdin: false,
  mounts: [],
  readOnly: false,
  network: "none",
  capAdd: [],
  capDrop: [],
  privileged: false,
  securityOpt: [],
  labels: {},
} as const satisfies Partial<ContainerOptions>;

/** containerd's name of the runc shim. */
const runcRuntime = "io.containerd.runc.v2";

/** Works out what a container will be. Reads the host and the root filesystem; changes nothing. */
export async function planContainer(request: ContainerRequest, context: PlanContext): Promise<ContainerPlan> {
  const options: ContainerOptions = { ...defaults, ...request };
  const { id = newId(), detached = false, autoRemove = false } = context;
  const name = options.name ?? shortId(id);
  assertName(name);
  const { rootfs } = options;
  const paths = containerPaths(context.instance, context.namespace, id);
  const { spec, files, warnings } = await prepareSpec({
    id,
    namespace: context.namespace,
    options,
    dataDir: paths.data,
  });
  return {
    id,
    name,
    namespace: context.namespace,
    runtime: runcRuntime,
    labels: labelsOf(options, { name, data: paths.data, autoRemove }),
    spec,
    files,
    rootfs: rootfs.overlay ? overlayMounts(rootfs.path, paths) : [],
    detached,
    autoRemove,
    log: options.log ?? "file",
    timeoutMs: options.timeoutMs === 0 ? undefined : options.timeoutMs,
    paths,
    warnings,
  };
}

function labelsOf(
  options: ContainerOptions,
  own: { readonly name: string; readonly data: string; readonly autoRemove: boolean },
): Readonly<Record<string, string>> {
  const { rootfs, ociRuntime, stopSignal, stopTimeout, timeoutMs = 0 } = options;
  return {
    ...options.labels,
    [labelKeys.name]: own.name,
    [labelKeys.rootfs]: `${rootfs.path}${rootfs.overlay ? ":O" : ""}`,
    [labelKeys.data]: own.data,
    ...(own.autoRemove ? { [labelKeys.autoRemove]: "true" } : {}),
    ...(options.stdin ? { [labelKeys.stdin]: "true" } : {}),
    ...(ociRuntime === undefined ? {} : { [labelKeys.ociRuntime]: ociRuntime }),
    ...(stopSignal === undefined ? {} : { [labelKeys.stopSignal]: stopSignal }),
    ...(stopTimeout === undefined ? {} : { [labelKeys.stopTimeout]: String(stopTimeout) }),
    ...(timeoutMs === 0 ? {} : { [labelKeys.timeout]: formatDuration(timeoutMs) }),
    ...(options.log === "none" ? { [labelKeys.log]: "none" } : {}),
  };
}
