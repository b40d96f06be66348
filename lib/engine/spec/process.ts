import { GantryError } from "../../base/errors.ts";
import type { ConsoleSize, Process } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import { capabilitySets } from "./capability_set.ts";
import { mergeEnv } from "./env.ts";
import type { HostFacts } from "./host_facts.ts";
import type { ResolvedUser } from "./users.ts";

/** docker's PATH of a container. */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What the first process of a container depends on beside the options. */
export interface ProcessContext {
  readonly user: ResolvedUser;
  readonly hostname: string;
  /** Of the container. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** Name of an AppArmor profile; undefined for none. */
  readonly apparmorProfile: string | undefined;
  readonly host: Pick<HostFacts, "oomScoreAdj" | "capabilities">;
}

/** The first process of a container. No command is `invalid_argument`. */
export function composeProcess(options: ContainerOptions, context: ProcessContext): Process {
  const { user } = context;
  return {
    terminal: options.tty,
    ...consoleSizeOf(options),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
    args: argumentsOf(options),
    env: environmentOf(options, context),
    cwd: options.cwd ?? "/",
    capabilities: capabilitySets(context.capabilities, user.uid),
    noNewPrivileges: context.noNewPrivileges,
    ...(context.apparmorProfile === undefined ? {} : { apparmorProfile: context.apparmorProfile }),
    ...oomScoreOf(context.host),
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
export function consoleSizeOf(options: ContainerOptions): { readonly consoleSize?: ConsoleSize } {
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

/**
 * 0 as in docker, or a container would inherit the protection of the daemon that starts it. Without CAP_SYS_RESOURCE a
 * score cannot be lowered (and runc says only "can't get final child's PID from pipe: EOF"): then it is inherited.
 */
function oomScoreOf(host: ProcessContext["host"]): { readonly oomScoreAdj?: number } {
  return host.oomScoreAdj <= 0 || host.capabilities.includes("CAP_SYS_RESOURCE") ? { oomScoreAdj: 0 } : {};
}
