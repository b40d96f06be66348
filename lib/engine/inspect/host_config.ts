import { parseBytes } from "../../base/bytes.ts";
import type { ContainerRecord } from "../../wire/container_record.ts";
import type { Spec } from "../../wire/oci.ts";
import { labelKeys } from "../container_plan.ts";
import type { MountDocument } from "./document.ts";
import type { HostConfig } from "./host_config_document.ts";
import { bindText } from "./mounts.ts";
import { namespaceMode, networkMode } from "./namespace_modes.ts";
import { privilegeFields } from "./privileges.ts";
import { limitFields } from "./resource_limits.ts";

/** What `HostConfig` is made from. */
export interface HostConfigFacts {
  readonly record: ContainerRecord;
  readonly spec: Spec | undefined;
  /** Those the user asked for. */
  readonly mounts: readonly MountDocument[];
  /** Its output goes to files. */
  readonly hasLogs: boolean;
  /** Its first process is an init of gantry's. */
  readonly hasInit: boolean;
}

/** The part `HostConfig`. */
export function hostConfig({ record, spec, mounts, hasLogs, hasInit }: HostConfigFacts): HostConfig {
  const { process, root, linux, annotations } = spec ?? {};
  const binds = mounts.filter(({ Type }) => Type === "bind");
  const tmpfs = mounts.filter(({ Type }) => Type === "tmpfs");
  const hasUserNamespace = linux?.namespaces?.some(({ type }) => type === "user") === true;
  return {
    Binds: binds.length === 0 ? null : binds.map(bindText),
    LogConfig: { Type: hasLogs ? "file" : "none", Config: {} },
    NetworkMode: networkMode(spec),
    PortBindings: {},
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    AutoRemove: Object.hasOwn(record.labels, labelKeys.autoRemove),
    VolumesFrom: null,
    ConsoleSize: [process?.consoleSize?.height ?? 0, process?.consoleSize?.width ?? 0],
    ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { Annotations: annotations }),
    CgroupnsMode: namespaceMode(spec, "cgroup", "private"),
    IpcMode: namespaceMode(spec, "ipc", "private"),
    OomScoreAdj: process?.oomScoreAdj ?? 0,
    PidMode: namespaceMode(spec, "pid", ""),
    PublishAllPorts: false,
    ReadonlyRootfs: root?.readonly ?? false,
    ...(tmpfs.length === 0
      ? {}
      : { Tmpfs: Object.fromEntries(tmpfs.map(({ Destination, Mode }) => [Destination, Mode])) }),
    UTSMode: namespaceMode(spec, "uts", ""),
    // docker has only "host" for those who opt out of a daemon-wide user namespace.
    UsernsMode: hasUserNamespace ? "private" : "",
    ShmSize: shmSize(spec),
    Sysctls: linux?.sysctl ?? {},
    Runtime: record.labels[labelKeys.ociRuntime] ?? record.runtime,
    CgroupParent: cgroupParent(linux?.cgroupsPath ?? ""),
    ...privilegeFields(spec),
    ...limitFields(spec),
    ...(hasInit ? { Init: true } : {}),
  };
}

/** 0 when /dev/shm has no size of its own: it is the host's, or there is none. */
function shmSize(spec: Spec | undefined): number {
  const options = spec?.mounts?.find(({ destination }) => destination === "/dev/shm")?.options ?? [];
  const size = options.findLast((word) => word.startsWith("size="))?.slice("size=".length);
  // tmpfs also takes a percentage of the memory.
  return size === undefined || !/^\d+[kmg]?$/i.test(size) ? 0 : parseBytes(size);
}

/** The cgroup above the container's: of `/PARENT/ID`, or of systemd's `SLICE:PREFIX:ID`. */
function cgroupParent(path: string): string {
  const [slice = "", ...rest] = path.split(":");
  if (rest.length > 0) return slice;
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
