import { GantryError } from "../../base/errors.ts";
import type { Linux, Mount, Process, Spec } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import type { BuiltSpec } from "./build.ts";
import { mergeEnv } from "./env.ts";
import type { HostFacts } from "./host_facts.ts";
import { assertInitPossible, initMount, throughInit } from "./init_program.ts";
import { assertShmSize, isShm, rootfsPropagation, userMounts, withShmSize } from "./mounts.ts";
import { isolationOfSpec } from "./namespaces.ts";
import { composeNetworkFiles } from "./network_files.ts";
import { argumentsOf, consoleSizeOf, oomScoreOf, withGroups } from "./process.ts";
import { composeLimits, mergeResources } from "./resources.ts";
import type { ResolvedInputs } from "./resolve_inputs.ts";
import type { LoadedSpec } from "./spec_file.ts";
import { assertSysctls } from "./sysctls.ts";
import { composeRlimits } from "./ulimits.ts";

/** What goes over a spec file. */
export interface MergeContext {
  readonly options: ContainerOptions;
  readonly host: HostFacts;
  /** Its user is used when the options name one. */
  readonly resolved: ResolvedInputs;
  readonly rootPath: string;
  /** Used when the file has none, or the user named a parent. */
  readonly cgroupsPath: string;
  /** Directory for generated files; see `SpecInput`. */
  readonly dataDir: string | undefined;
}

/**
 * A spec file with the user's options over it. Replaced: the root's path, the terminal, and what was given of command,
 * working directory, user, host name, limits, the cgroup's parent and the size of /dev/shm. Added: variables, groups,
 * mounts, kernel parameters, names and annotations; a mount replaces the file's at the same target. What decides about
 * privileges and namespaces cannot be combined with a file and is `invalid_argument`.
 */
export function mergeIntoSpecFile(loaded: LoadedSpec, context: MergeContext): BuiltSpec {
  const { options, host, resolved } = context;
  refusePrivileges(options);
  const { spec } = loaded;
  const isolation = isolationOfSpec(spec);
  if (options.hostname !== undefined && !isolation.uts) {
    throw new GantryError("invalid_argument", `--hostname: --spec ${loaded.path} has no uts namespace of its own`, {
      hint: 'leave it out, or add {"type": "uts"} to linux.namespaces',
    });
  }
  assertSysctls(options.sysctls ?? {}, isolation);
  if (resolved.init !== undefined) assertInitPossible(options, isolation);
  const limits = composeLimits(options, host);
  const files = composeNetworkFiles({
    options,
    ownNetwork: isolation.network,
    hostname: options.hostname ?? spec.hostname ?? host.hostname,
    hostTexts: resolved.hostTexts,
    dataDir: context.dataDir,
  });
  const isTerminalLost = spec.process?.terminal === true && !options.tty;
  return {
    spec: {
      ...spec,
      process: mergeProcess(spec.process, context),
      root: { ...spec.root, path: context.rootPath, readonly: options.readOnly || spec.root?.readonly === true },
      ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
      mounts: mergeMounts(spec, [...files.mounts, ...(resolved.init === undefined ? [] : [initMount(resolved.init)])], {
        options,
        path: loaded.path,
      }),
      ...(options.annotations === undefined ? {} : { annotations: { ...spec.annotations, ...options.annotations } }),
      linux: mergeLinux(spec.linux, limits.limits, context),
    },
    files: files.files,
    warnings: [
      ...limits.warnings,
      ...files.warnings,
      ...(isTerminalLost ? [`--spec ${loaded.path} asks for a terminal; give -t to get one`] : []),
    ],
  };
}

function mergeLinux(
  linux: Linux | undefined,
  limits: NonNullable<Linux["resources"]>,
  { options, cgroupsPath }: MergeContext,
): Linux {
  const resources = mergeResources(linux?.resources, limits);
  const propagation = rootfsPropagation(options.mounts);
  const path = options.cgroupParent === undefined ? linux?.cgroupsPath : undefined;
  return {
    ...linux,
    cgroupsPath: path ?? cgroupsPath,
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...(options.sysctls === undefined ? {} : { sysctl: { ...linux?.sysctl, ...options.sysctls } }),
  };
}

function mergeProcess(process: Process | undefined, { options, host, resolved }: MergeContext): Process {
  const hasCommand = options.command.length > 0 || (options.entrypoint ?? "") !== "";
  const args = hasCommand || (process?.args ?? []).length === 0 ? argumentsOf(options) : process?.args ?? [];
  const { consoleSize: _, ...kept } = process ?? {};
  const rlimits = composeRlimits(options.ulimits ?? [], host);
  const given = rlimits.map(({ type }) => type);
  return {
    ...kept,
    terminal: options.tty,
    ...consoleSizeOf(options),
    user: mergeUser(process, options, resolved),
    args: resolved.init === undefined ? args : throughInit(args),
    ...(options.env.length === 0 ? {} : { env: mergeEnv([...process?.env ?? [], ...options.env]) }),
    cwd: options.cwd ?? process?.cwd ?? "/",
    ...(rlimits.length === 0
      ? {}
      : { rlimits: [...(process?.rlimits ?? []).filter(({ type }) => !given.includes(type)), ...rlimits] }),
    ...(options.oomScoreAdj === undefined ? {} : oomScoreOf(options.oomScoreAdj, host)),
  };
}

function mergeUser(
  process: Process | undefined,
  options: ContainerOptions,
  { user, extraGroups }: ResolvedInputs,
): Process["user"] {
  const base = options.user === undefined && process !== undefined
    ? process.user
    : { uid: user.uid, gid: user.gid, additionalGids: user.groups };
  if (extraGroups.length === 0) return base;
  return { ...base, additionalGids: withGroups(base.additionalGids ?? [], extraGroups) };
}

interface MountContext {
  readonly options: ContainerOptions;
  /** Of the spec file, for messages. */
  readonly path: string;
}

function mergeMounts(spec: Spec, own: readonly Mount[], { options, path }: MountContext): readonly Mount[] {
  const users = userMounts(options.mounts);
  const targets = [...own, ...users].map((mount) => mount.destination);
  const kept = (spec.mounts ?? []).filter((mount) => !targets.includes(mount.destination));
  const { shmSize } = options;
  assertShmSize(shmSize, targets);
  if (shmSize === undefined) return [...kept, ...own, ...users];
  if (!kept.some(isShm)) {
    throw new GantryError("invalid_argument", `--shm-size: there is no tmpfs at /dev/shm in --spec ${path}`, {
      hint: "leave it out, or add the mount to the spec",
    });
  }
  return [...kept.map((mount) => isShm(mount) ? withShmSize(mount, shmSize) : mount), ...own, ...users];
}

function refusePrivileges(options: ContainerOptions): void {
  const given: readonly (readonly [boolean, string])[] = [
    [options.privileged, "--privileged"],
    [options.capAdd.length > 0, "--cap-add"],
    [options.capDrop.length > 0, "--cap-drop"],
    [options.securityOpt.length > 0, "--security-opt"],
    [(options.devices ?? []).length > 0, "--device"],
    [options.network === "host", "--network host"],
    [options.pid !== undefined, "--pid"],
    [options.ipc !== undefined, "--ipc"],
    [options.uts !== undefined, "--uts"],
    [options.cgroupns !== undefined, "--cgroupns"],
  ];
  const flag = given.find(([isGiven]) => isGiven)?.[1];
  if (flag === undefined) return;
  throw new GantryError("invalid_argument", `${flag} cannot be combined with --spec`, {
    hint: "write it into the spec file, or leave --spec out",
  });
}
