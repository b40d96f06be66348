import { GantryError } from "../../base/errors.ts";
import type { Process, Spec } from "../../wire/oci.ts";
import { capabilitySets } from "./capability_set.ts";
import { mergeEnv } from "./env.ts";
import type { HostFacts } from "./host_facts.ts";
import { assertProgram } from "./option_checks.ts";
import { consoleSizeOf } from "./process.ts";
import { parseStoredSpec } from "./spec_file.ts";
import type { ResolvedUser } from "./users.ts";

/** What a user asks for when a process is to run in a container: plain data, as the flags of `gantry exec` give it. */
export interface ExecOptions {
  /** argv. */
  readonly command: readonly string[];
  /** `KEY=VALUE` over the container's variables; a later one wins. */
  readonly env: readonly string[];
  /** Absolute path in the container; default the container's own. */
  readonly cwd?: string | undefined;
  /** `user[:group]`, names or numbers; default the container's own. */
  readonly user?: string | undefined;
  /** Gives it a terminal. */
  readonly tty: boolean;
  /** Size of the terminal before the first byte is read. */
  readonly consoleSize?: { readonly width: number; readonly height: number } | undefined;
  /** All capabilities, and no AppArmor profile. Default false. */
  readonly privileged?: boolean | undefined;
}

/** What {@link buildExecProcess} is given. */
export interface ExecInput {
  /** The container's OCI spec as containerd has stored it: parsed JSON. */
  readonly spec: unknown;
  readonly options: ExecOptions;
  /**
   * What `resolveUser` found for `options.user` in the container's root filesystem: `root.path` of the spec, `rootfs` in the
   * bundle, or /proc/PID/root of a running one. Needed when a user is given, not used otherwise.
   */
  readonly resolvedUser?: ResolvedUser | undefined;
  readonly host: Pick<HostFacts, "capabilities">;
}

/** A process to exec, and what will not be as asked. */
export interface BuiltProcess {
  readonly process: Process;
  /** A sentence each, to be shown to the user. */
  readonly warnings: readonly string[];
}

/**
 * A further process of a container, as docker makes it: like the first one in variables, directory, user, capabilities,
 * limits, AppArmor profile and no-new-privileges, but for what the options say. Another user gets its own HOME, its own
 * groups, and capabilities as execve(2) gives them: those of the bounding set for root, none for others.
 *
 * `data_loss` for a stored spec that cannot be used, `failed_precondition` for one without a process.
 */
export function buildExecProcess(input: ExecInput): BuiltProcess {
  const { options } = input;
  assertProgram(options);
  if (options.command.length === 0 || options.command[0] === "") {
    throw new GantryError("invalid_argument", "no command was given", {
      hint: "write it after the container, e.g. gantry exec CONTAINER -- sh",
    });
  }
  const spec = parseStoredSpec(input.spec);
  const { process: first } = spec;
  if (first === undefined) {
    throw new GantryError("failed_precondition", "the container's stored OCI spec has no process to start from");
  }
  const { consoleSize: _, terminal: __, ...kept } = first;
  const isPrivileged = options.privileged === true;
  return {
    process: {
      ...kept,
      terminal: options.tty,
      ...consoleSizeOf(options),
      ...identityOf(first, input),
      args: options.command,
      env: environmentOf(first, input),
      cwd: options.cwd ?? first.cwd,
      // Without a name the runtime would take the container's.
      ...(isPrivileged && first.apparmorProfile !== undefined ? { apparmorProfile: "unconfined" } : {}),
    },
    warnings: isPrivileged ? privilegedWarnings(spec) : [],
  };
}

function identityOf(
  first: Process,
  { options, resolvedUser, host }: ExecInput,
): Pick<Process, "user" | "capabilities"> {
  const user = userOf(first, options, resolvedUser);
  if (options.privileged === true) {
    // Also for users other than root, as in docker: without ambient ones execve(2) drops them, and they stay available.
    const { capabilities: names } = host;
    return { user, capabilities: { bounding: names, effective: names, permitted: names } };
  }
  if (user.uid === first.user.uid || first.capabilities === undefined) {
    return { user, ...(first.capabilities === undefined ? {} : { capabilities: first.capabilities }) };
  }
  return { user, capabilities: capabilitySets(first.capabilities.bounding ?? [], user.uid) };
}

function userOf(first: Process, options: ExecOptions, resolved: ResolvedUser | undefined): Process["user"] {
  if (!isUserGiven(options)) return first.user;
  if (resolved === undefined) throw new TypeError("the user of the exec was not looked up");
  const { umask } = first.user;
  return {
    uid: resolved.uid,
    gid: resolved.gid,
    ...(umask === undefined ? {} : { umask }),
    additionalGids: resolved.groups,
  };
}

function environmentOf(first: Process, { options, resolvedUser }: ExecInput): readonly string[] {
  const isOther = isUserGiven(options) && resolvedUser !== undefined && resolvedUser.uid !== first.user.uid;
  return mergeEnv([
    ...(options.tty ? ["TERM=xterm"] : []),
    ...first.env ?? [],
    ...(isOther ? [`HOME=${resolvedUser.home}`] : []),
    ...options.env,
  ]);
}

function isUserGiven({ user }: ExecOptions): boolean {
  return user !== undefined && user !== "";
}

function privilegedWarnings(spec: Spec): readonly string[] {
  if (spec.linux?.seccomp === undefined) return [];
  return ["the container's filter of system calls stays on in a privileged exec: only run --privileged is without one"];
}
