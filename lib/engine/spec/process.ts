import { GantryError } from "../../base/errors.ts";
import type { ConsoleSize, Process, Rlimit } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import { capabilitySets } from "./capability_set.ts";
import { mergeEnv } from "./env.ts";
import type { HostFacts } from "./host_facts.ts";
import { throughInit } from "./init_program.ts";
import type { ResolvedUser } from "./users.ts";

/** docker's PATH of a container. */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What the first process of a container depends on beside the options. */
export interface ProcessContext {
  readonly user: ResolvedUser;
  /** Groups beside those of the user. */
  readonly extraGroups: readonly number[];
  readonly hostname: string;
  /** Puts an init in front of the command. */
  readonly init: boolean;
  /** Of the container. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** Name of an AppArmor profile; undefined for none. */
  readonly apparmorProfile: string | undefined;
  readonly rlimits: readonly Rlimit[];
  readonly host: Pick<HostFacts, "oomScoreAdj" | "capabilities">;
}

/** The first process of a container. No command is `invalid_argument`. */
export function composeProcess(options: ContainerOptions, context: ProcessContext): Process {
  const { user, rlimits } = context;
  const args = argumentsOf(options);
  return {
    terminal: options.tty,
    ...consoleSizeOf(options),
    user: { uid: user.uid, gid: user.gid, additionalGids: withGroups(user.groups, context.extraGroups) },
    args: context.init ? throughInit(args) : args,
    env: environmentOf(options, context),
    cwd: options.cwd ?? "/",
    capabilities: capabilitySets(context.capabilities, user.uid),
    ...(rlimits.length === 0 ? {} : { rlimits }),
    noNewPrivileges: context.noNewPrivileges,
    ...(context.apparmorProfile === undefined ? {} : { apparmorProfile: context.apparmorProfile }),
    ...oomScoreOf(options.oomScoreAdj, context.host),
  };
}

/** argv: the entry point, if one was given, before the command. */
export function argumentsOf(options: ContainerOptions): readonly string[] {
  const { entrypoint, command } = options;
  const all = entrypoint === undefined || entrypoint === "" ? command : [entrypoint, ...command];
  if (all.length === 0 || all[0] === "") {
    throw new GantryError("invalid_argument", "no command was given", {
      hint: "write it after the options, e.g. gantry run --rootfs DIR -- sh",
    });
  }
  return all;
}

/** The size of the terminal, so that it is right before the program's first look at it. */
export function consoleSizeOf(
  options: Pick<ContainerOptions, "tty" | "consoleSize">,
): { readonly consoleSize?: ConsoleSize } {
  const { tty, consoleSize } = options;
  if (!tty || consoleSize === undefined || consoleSize.width <= 0 || consoleSize.height <= 0) return {};
  return { consoleSize: { height: consoleSize.height, width: consoleSize.width } };
}

function environmentOf(options: ContainerOptions, { hostname, user }: ProcessContext): readonly string[] {
  return mergeEnv([
    `PATH=${defaultPath}`,
    `HOSTNAME=${hostname}`,
    ...(options.tty ? ["TERM=xterm"] : []),
    `HOME=${user.home}`,
    ...options.env,
  ]);
}

/** Group ids, each once, the user's own first. */
export function withGroups(groups: readonly number[], extra: readonly number[]): readonly number[] {
  return [...new Set([...groups, ...extra])];
}

/**
 * The score for the OOM killer: as asked for, else 0 as in docker, or a container would inherit the protection of the
 * daemon that starts it. Without CAP_SYS_RESOURCE a score cannot be lowered (and runc says only "can't get final child's
 * PID from pipe: EOF"): then 0 is left out and one that was asked for is `failed_precondition`.
 */
export function oomScoreOf(
  score: number | undefined,
  host: Pick<HostFacts, "oomScoreAdj" | "capabilities">,
): { readonly oomScoreAdj?: number } {
  if (score !== undefined && !(Number.isInteger(score) && Math.abs(score) <= 1000)) {
    throw new GantryError("invalid_argument", `--oom-score-adj ${score} is out of range`, {
      hint: "give -1000 to 1000",
    });
  }
  if ((score ?? 0) >= host.oomScoreAdj || host.capabilities.includes("CAP_SYS_RESOURCE")) {
    return { oomScoreAdj: score ?? 0 };
  }
  if (score === undefined) return {};
  throw new GantryError(
    "failed_precondition",
    `--oom-score-adj ${score} is below gantry's own ${host.oomScoreAdj}, and gantry has no CAP_SYS_RESOURCE to lower it`,
    { hint: `give ${host.oomScoreAdj} or more, or start gantry from a process with that capability` },
  );
}
