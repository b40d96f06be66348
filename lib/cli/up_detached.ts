/** `gantry up --detach`: the same command without the flag, in the background, and how its start went. */
import { GantryError } from "../base/errors.ts";
import { prepareDirectories } from "../supervisor/directories.ts";
import { lastLogLines, logSize } from "../supervisor/log_file.ts";
import { checkOptions, type SupervisorOptions } from "../supervisor/options.ts";
import { instancePaths } from "../supervisor/paths.ts";
import { readStatus } from "../supervisor/read_status.ts";
import { stopInstance } from "../supervisor/stop_instance.ts";
import { waitForReady } from "../supervisor/wait_for_ready.ts";
import { longName } from "./command.ts";
import type { CliContext } from "./context.ts";
import { reportError } from "./report.ts";
import { startSelf } from "./self.ts";

/** Lines of the log that a failure shows when the supervisor left no report. */
const shownLines = 15;

/** Starts the supervisor and resolves to 0 when its containerd serves, to 1 when it does not. */
export async function detachUp(options: SupervisorOptions, context: CliContext): Promise<number> {
  const { output, env, clock, signal } = context;
  checkOptions(options);
  const paths = instancePaths(options);
  await prepareDirectories(paths);
  await refuseSecond(options);
  const log = `${paths.logDirectory}/gantry.log`;
  const logStart = logSize(log);
  const pid = await startSelf(argvOf(options, context), { log, env });
  try {
    const result = await waitForReady({ ...options, pid, clock, signal });
    if (result.ready) {
      output.one(
        { ...result.status },
        ({ version, containerdPid, address }) =>
          `gantry is up: containerd ${version} (pid ${containerdPid}) at ${address}`,
      );
      return 0;
    }
    const report = result.report ??
      lastLogLines(log, { count: shownLines, from: logStart }).join("\n").replace(/^gantry: /, "");
    const message = report === "" ? `gantry ended without a word; its log is ${log}` : report;
    reportError(new GantryError("unavailable", message), context.stderr, {
      json: context.json,
      debug: context.settings.debug,
    });
    return 1;
  } catch (error) {
    // Interrupted: what was asked for is no longer wanted.
    if (signal.aborted) await stopInstance({ ...options, clock });
    throw error;
  }
}

async function refuseSecond(options: SupervisorOptions): Promise<void> {
  const { supervisorPid } = await readStatus(options);
  if (supervisorPid === undefined) return;
  throw new GantryError("failed_precondition", `gantry is already up in ${options.state} (pid ${supervisorPid})`, {
    hint: '"gantry status" shows it, "gantry down" ends it; --state DIR names another instance',
  });
}

/** The flags that were given, without --detach and those about output, and with absolute paths. */
function argvOf(options: SupervisorOptions, { sources }: CliContext): readonly string[] {
  const { root, state, address, containerd, configExtra } = options;
  const absolute: Readonly<Record<string, string | undefined>> = { root, state, address, containerd, configExtra };
  const config = sources.file?.path;
  const left = new Set(["detach", "json", "format", "color", "config", ...Object.keys(absolute)]);
  const given = [...sources.given].filter(([key]) => !left.has(key)).flatMap(([key, words]) =>
    words.map((word) => `--${longName(key)}=${word}`)
  );
  const paths = Object.entries({ ...absolute, config }).flatMap(([key, value]) =>
    value === undefined ? [] : [`--${longName(key)}=${value}`]
  );
  return ["up", ...paths, ...given];
}
