import { GantryError } from "../../base/errors.ts";
import type { Linux, Process, Spec } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import type { BuiltSpec } from "./build.ts";
import { mergeEnv } from "./env.ts";
import type { HostFacts } from "./host_facts.ts";
import { rootfsPropagation, userMounts } from "./mounts.ts";
import { argumentsOf, consoleSizeOf } from "./process.ts";
import { composeLimits } from "./resources.ts";
import type { LoadedSpec } from "./spec_file.ts";
import type { ResolvedUser } from "./users.ts";

/** What goes over a spec file. */
export interface MergeContext {
  readonly options: ContainerOptions;
  readonly host: HostFacts;
  /** Used when the user named one. */
  readonly user: ResolvedUser;
  readonly rootPath: string;
  /** Used when the file has none. */
  readonly cgroupsPath: string;
}

/**
 * A spec file with the user's options over it. Replaced: the root's path, the terminal, and what was given of command,
 * working directory, user, host name and limits. Added: variables, mounts and annotations; a mount replaces the file's at
 * the same target. What decides about privileges cannot be combined with a file and is `invalid_argument`.
 */
export function mergeIntoSpecFile(loaded: LoadedSpec, context: MergeContext): BuiltSpec {
  const { options, host } = context;
  refusePrivileges(options);
  const { spec } = loaded;
  const limits = composeLimits(options, host);
  const resources = { ...spec.linux?.resources, ...limits.limits };
  const propagation = rootfsPropagation(options.mounts);
  const linux: Linux = {
    ...spec.linux,
    cgroupsPath: spec.linux?.cgroupsPath ?? context.cgroupsPath,
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
  };
  const isTerminalLost = spec.process?.terminal === true && !options.tty;
  return {
    spec: {
      ...spec,
      process: mergeProcess(spec.process, context),
      root: { ...spec.root, path: context.rootPath, readonly: options.readOnly || spec.root?.readonly === true },
      ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
      mounts: mergeMounts(spec, options),
      ...(options.annotations === undefined ? {} : { annotations: { ...spec.annotations, ...options.annotations } }),
      linux,
    },
    warnings: [
      ...limits.warnings,
      ...(isTerminalLost ? [`--spec ${loaded.path} asks for a terminal; give -t to get one`] : []),
    ],
  };
}

function mergeProcess(process: Process | undefined, context: MergeContext): Process {
  const { options, user } = context;
  const hasCommand = options.command.length > 0 || (options.entrypoint ?? "") !== "";
  const args = hasCommand || (process?.args ?? []).length === 0 ? argumentsOf(options) : process?.args ?? [];
  const { consoleSize: _, ...kept } = process ?? {};
  return {
    ...kept,
    terminal: options.tty,
    ...consoleSizeOf(options),
    user: options.user === undefined && process !== undefined
      ? process.user
      : { uid: user.uid, gid: user.gid, additionalGids: user.groups },
    args,
    ...(options.env.length === 0 ? {} : { env: mergeEnv([...process?.env ?? [], ...options.env]) }),
    cwd: options.cwd ?? process?.cwd ?? "/",
  };
}

function mergeMounts(spec: Spec, options: ContainerOptions): Spec["mounts"] {
  const targets = options.mounts.map((mount) => mount.target);
  const kept = (spec.mounts ?? []).filter((mount) => !targets.includes(mount.destination));
  return [...kept, ...userMounts(options.mounts)];
}

function refusePrivileges(options: ContainerOptions): void {
  const given: readonly (readonly [boolean, string])[] = [
    [options.privileged, "--privileged"],
    [options.capAdd.length > 0, "--cap-add"],
    [options.capDrop.length > 0, "--cap-drop"],
    [options.securityOpt.length > 0, "--security-opt"],
    [options.network === "host", "--network host"],
  ];
  const flag = given.find(([isGiven]) => isGiven)?.[1];
  if (flag === undefined) return;
  throw new GantryError("invalid_argument", `${flag} cannot be combined with --spec`, {
    hint: "write it into the spec file, or leave --spec out",
  });
}
