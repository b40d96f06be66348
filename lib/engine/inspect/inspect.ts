import type { ContainerRecord } from "../../wire/container_record.ts";
import type { Spec } from "../../wire/oci.ts";
import type { ContainerPaths } from "../container_paths.ts";
import { labelKeys } from "../container_plan.ts";
import { throughInit } from "../spec/init_program.ts";
import { containerConfig } from "./container_config.ts";
import type { ContainerDocument, GraphDriverDocument, NetworkDocument } from "./document.ts";
import { hostConfig } from "./host_config.ts";
import { sortMounts } from "./mounts.ts";
import { networkMode } from "./namespace_modes.ts";
import { type LifeFacts, rfc3339, stateDocument } from "./state.ts";
import { storedSpec } from "./stored_spec.ts";

/** What is known of a container. All but the record can be left out and is then empty. */
export interface InspectFacts {
  /** As containerd stores it. */
  readonly record: ContainerRecord;
  /** containerd's namespace. */
  readonly namespace: string;
  /** containerd's socket. */
  readonly socket: string;
  /** What it is doing; default: there is no task. */
  readonly life?: LifeFacts | undefined;
  /** Directory of its bundle. */
  readonly bundle?: string | undefined;
  /** Where gantry keeps its things. */
  readonly paths?: ContainerPaths | undefined;
  /** Files its output goes to; undefined when it goes elsewhere. */
  readonly logs?: { readonly stdout: string; readonly stderr: string } | undefined;
  /** Its stdin is kept open. Default false. */
  readonly openStdin?: boolean | undefined;
  /** How often it was started again after it had ended. Default 0. */
  readonly restartCount?: number | undefined;
  /** Ids of the execs that run in it. */
  readonly execIds?: readonly string[] | undefined;
}

/** argv of an init of gantry's, before that of the user. */
const initArguments = throughInit([]);

/**
 * A container in the shape of `docker inspect`. Everything comes from the stored record, the spec in it and what is known
 * of its life, so it is the same after a restart of gantry or containerd. A record without a spec that can be understood
 * gives a document without what the spec would say.
 */
export function inspectContainer(facts: InspectFacts): ContainerDocument {
  const { record, logs, life = { status: "none", pid: 0 } } = facts;
  const { labels } = record;
  const spec = storedSpec(record);
  const name = labels[labelKeys.name] ?? "";
  const dataDir = labels[labelKeys.data];
  const mounts = sortMounts(spec, dataDir);
  const { args, hasInit } = argumentsOf(spec);
  const state = stateDocument(life);
  const graphDriver = graphDriverOf(spec, facts);
  const image = record.image === "" ? labels[labelKeys.rootfs] ?? "" : record.image;
  const hasLogs = logs !== undefined;
  return {
    Id: record.id,
    Created: rfc3339(record.createdAt),
    Path: args[0] ?? "",
    Args: args.slice(1),
    State: state,
    Image: image,
    ResolvConfPath: mounts.files["/etc/resolv.conf"] ?? "",
    HostnamePath: mounts.files["/etc/hostname"] ?? "",
    HostsPath: mounts.files["/etc/hosts"] ?? "",
    LogPath: logs?.stdout ?? "",
    Name: `/${name === "" ? record.id : name}`,
    RestartCount: facts.restartCount ?? 0,
    Driver: graphDriver.Name,
    Platform: "linux",
    MountLabel: spec?.linux?.mountLabel ?? "",
    ProcessLabel: spec?.process?.selinuxLabel ?? "",
    AppArmorProfile: spec?.process?.apparmorProfile ?? "",
    ExecIDs: facts.execIds === undefined || facts.execIds.length === 0 ? null : facts.execIds,
    HostConfig: hostConfig({ record, spec, mounts: mounts.user, hasLogs, hasInit }),
    GraphDriver: graphDriver,
    Mounts: mounts.user,
    Config: containerConfig({ record, spec, args, image, hasLogs, openStdin: facts.openStdin ?? false }),
    NetworkSettings: networkSettings(spec, state.Pid),
    Gantry: {
      Namespace: facts.namespace,
      Runtime: record.runtime,
      Socket: facts.socket,
      ...(facts.bundle === undefined ? {} : { Bundle: facts.bundle }),
      CgroupsPath: spec?.linux?.cgroupsPath ?? "",
      ...(dataDir === undefined ? {} : { DataDir: dataDir }),
      ...(logs === undefined ? {} : { ErrorLogPath: logs.stderr }),
    },
  };
}

function argumentsOf(spec: Spec | undefined): { readonly args: readonly string[]; readonly hasInit: boolean } {
  const args = spec?.process?.args ?? [];
  const hasInit = initArguments.every((argument, index) => args[index] === argument);
  return { args: hasInit ? args.slice(initArguments.length) : args, hasInit };
}

/** An overlay is mounted in the bundle, so the spec's root is relative to it; a directory is named by its own path. */
function graphDriverOf(spec: Spec | undefined, { record, paths, bundle }: InspectFacts): GraphDriverDocument {
  const rootfs = record.labels[labelKeys.rootfs];
  const root = spec?.root?.path ?? "";
  if (rootfs === undefined || root === "") return { Name: "", Data: null };
  if (root.startsWith("/")) return { Name: "directory", Data: { RootDir: root } };
  return {
    Name: "overlay",
    Data: {
      LowerDir: rootfs.replace(/:O$/, ""),
      ...(paths === undefined ? {} : { UpperDir: paths.overlayUpper, WorkDir: paths.overlayWork }),
      ...(bundle === undefined ? {} : { MergedDir: `${bundle}/${root}` }),
    },
  };
}

function networkSettings(spec: Spec | undefined, pid: number): NetworkDocument {
  const mode = networkMode(spec);
  return {
    SandboxKey: pid === 0 ? "" : `/proc/${pid}/ns/net`,
    Ports: {},
    Networks: mode === "" ? {} : { [mode]: { IPAddress: "", Gateway: "", MacAddress: "" } },
  };
}
