/** The instance that --state and --root name, as the supervisor takes it. */
import type { InstanceLocation } from "../supervisor/paths.ts";
import type { SupervisorOptions } from "../supervisor/options.ts";
import { defaultOptions } from "../supervisor/options.ts";
import type { ValuesOf } from "./command.ts";
import type { supervisorFlags } from "./commands/supervisor_flags.ts";
import type { CliContext } from "./context.ts";
import { absolutePath } from "./paths.ts";

/**
 * Where the instance is. An address from CONTAINERD_ADDRESS does not count: people set it for ctr and nerdctl, and a
 * supervisor that took it would put its socket in the place of the system's.
 */
export function instanceLocation({ settings, originOf }: Pick<CliContext, "settings" | "originOf">): InstanceLocation {
  const { root, state, address } = settings;
  const origin = originOf("address");
  const foreign = origin.kind === "environment" && origin.name === "CONTAINERD_ADDRESS";
  return { root, state, address: foreign ? undefined : address };
}

/** How the instance is supervised. */
export function supervisorOptions(
  flags: ValuesOf<typeof supervisorFlags>,
  context: Pick<CliContext, "settings" | "originOf">,
): SupervisorOptions {
  const { configExtra, containerd } = flags;
  return {
    ...instanceLocation(context),
    containerd: containerd.includes("/") ? absolutePath(containerd) : containerd,
    configExtra: configExtra === undefined ? undefined : absolutePath(configExtra),
    cri: flags.cri,
    oomScore: flags.oomScore,
    startTimeoutMs: flags.startTimeout,
    stopTimeoutMs: flags.stopTimeout,
    healthIntervalMs: flags.healthInterval,
    healthTimeoutMs: flags.healthTimeout,
    healthFailures: flags.healthFailures,
    restartLimit: flags.restartLimit,
    stableMs: defaultOptions.stableMs,
    dieWithParent: flags.dieWithParent,
    logLevel: context.settings.logLevel,
    logFormat: context.settings.logFormat,
    logMaxBytes: flags.logMaxSize,
    logMaxFiles: flags.logMaxFiles,
  };
}
