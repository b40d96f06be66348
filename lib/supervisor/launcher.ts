import { removeIfExists } from "../base/atomic_file.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { bootId, readIdentity, waitForEnd } from "../base/proc.ts";
import { type ContainerdBinary, inspectBinary } from "./binary.ts";
import { type Child, terminate } from "./child.ts";
import { addressIn, configFor, configHash, type GeneratedConfig, writeConfig } from "./config.ts";
import { readTomlFile } from "./config_merge.ts";
import { prepareDirectories } from "./directories.ts";
import { logSize, rotateIdleLog } from "./log_file.ts";
import { childMaySetOomScore, setOomScore } from "./oom_score.ts";
import type { SupervisorOptions } from "./options.ts";
import type { InstancePaths } from "./paths.ts";
import { writePidfile } from "./pidfile.ts";
import { removeStaleSocket } from "./probe.ts";
import { findRunning, type RunningContainerd } from "./running.ts";
import { spawnProgram } from "./spawn.ts";
import { within } from "./time_limit.ts";

/** How one launch is done. */
export interface LaunchOptions {
  /** The first of this supervisor: a containerd may be running already. Later ones follow the death of the last. */
  readonly first: boolean;
  /** Ends the launch early; a child that was started is then ended too, or given back. */
  readonly signal: AbortSignal;
}

/** Makes containerd run. */
export interface Launcher {
  /** Adopts the containerd that runs already, or starts one. */
  launch(options: LaunchOptions): Promise<Child>;
  /** Looks at a child again once it serves: a wrapper script has then executed the real program. */
  confirm(child: Child): Promise<Child>;
  /** Removes what only a running containerd has: pidfile and sockets. */
  cleanUp(): Promise<void>;
  /** Where in the log the last started containerd began to write, bytes. */
  readonly logStart: number;
}

const log = getLogger("supervisor");

/** The real one. */
export class ContainerdLauncher implements Launcher {
  readonly #options: SupervisorOptions;
  readonly #paths: InstancePaths;
  readonly #clock: Clock;
  #binary: ContainerdBinary | undefined;
  #config: GeneratedConfig | undefined;
  #logStart = 0;

  constructor(options: SupervisorOptions, { paths, clock }: { readonly paths: InstancePaths; readonly clock: Clock }) {
    this.#options = options;
    this.#paths = paths;
    this.#clock = clock;
  }

  get logStart(): number {
    return this.#logStart;
  }

  async launch({ first, signal }: LaunchOptions): Promise<Child> {
    const running = first ? await findRunning(this.#paths) : undefined;
    if (running !== undefined) {
      const misfit = await this.#misfit(running);
      if (misfit === undefined) return await this.#adopt(running, signal);
      log.warning("the running containerd is replaced", { pid: running.identity.pid, reason: misfit });
      await terminate(this.#adopted(running, ""), { clock: this.#clock, stopTimeoutMs: this.#options.stopTimeoutMs });
    }
    return await this.#spawn(signal);
  }

  async confirm(child: Child): Promise<Child> {
    const { pid, startTime, executable } = child.identity;
    const identity = await readIdentity(pid);
    if (identity === undefined || identity.startTime !== startTime || identity.executable === executable) return child;
    const confirmed = { ...child, identity };
    await this.#record(confirmed);
    return confirmed;
  }

  async cleanUp(): Promise<void> {
    const { pidfile, identity, address, ttrpcAddress } = this.#paths;
    const keep = (path: string) => (error: unknown): void =>
      log.warning("a file stays", { path, error: messageOf(error) });
    for (const path of [pidfile, identity]) await removeIfExists(path).catch(keep(path));
    for (const path of [address, ttrpcAddress]) await removeStaleSocket(path, { clock: this.#clock }).catch(keep(path));
  }

  async #adopt(running: RunningContainerd, signal: AbortSignal): Promise<Child> {
    const child = this.#adopted(running, running.record?.version ?? "");
    log.info("containerd runs already and is adopted", {
      pid: child.identity.pid,
      executable: child.identity.executable,
    });
    await this.#compareConfig(running, signal);
    if (running.record === undefined) await this.#record(child);
    await this.#setOomScore(child);
    this.#logStart = logSize(this.#paths.log);
    return child;
  }

  #adopted({ identity }: RunningContainerd, version: string): Child {
    // Nobody reports the end of a process that is not our child.
    const ended = waitForEnd(identity, { clock: this.#clock }).then(() => ({}));
    return { identity, adopted: true, version, ended };
  }

  /** Why a running containerd cannot be the one that was asked for; undefined when it can. */
  async #misfit({ record }: RunningContainerd): Promise<string | undefined> {
    const { address, root, config } = this.#paths;
    const served = record?.address ?? await readTomlFile(config).then(addressIn, () => undefined);
    if (served !== undefined && served !== address) return `it serves ${served}, not ${address}`;
    if (record !== undefined && record.root !== root) return `its root is ${record.root}, not ${root}`;
    return undefined;
  }

  /** Says that options which were changed since the adopted containerd was started do not hold yet. */
  async #compareConfig({ record }: RunningContainerd, signal: AbortSignal): Promise<void> {
    try {
      const { config } = await this.#prepare(signal);
      if (record === undefined || record.configHash === await configHash(config)) return;
      log.warning("the adopted containerd was started with another configuration", {
        hint: "`gantry down`, then `gantry up`, applies the new one",
      });
    } catch (error) {
      if (signal.aborted) throw error;
      // The running one is fine without; a restart will meet the same error, and say so.
      log.warning("cannot make containerd's configuration", { error: messageOf(error) });
    }
  }

  async #spawn(signal: AbortSignal): Promise<Child> {
    const paths = this.#paths;
    await prepareDirectories(paths);
    for (const path of [paths.address, paths.ttrpcAddress]) await removeStaleSocket(path, { clock: this.#clock });
    const { binary, config } = await this.#prepare(signal);
    await writeConfig(config, paths.config);
    rotateIdleLog(paths.log, { maxBytes: this.#options.logMaxBytes, maxFiles: this.#options.logMaxFiles });
    this.#logStart = logSize(paths.log);
    const limit = { clock: this.#clock, ms: this.#options.startTimeoutMs, what: `starting ${binary.path}`, signal };
    const child = await within(limit, (both) =>
      spawnProgram({
        program: binary.path,
        args: ["--config", paths.config],
        binDirectories: [...new Set([directoryOf(binary.executable), directoryOf(binary.path)])],
        log: paths.log,
        dieWithParent: this.#options.dieWithParent,
        version: binary.version,
        signal: both,
      }));
    log.info("containerd started", { pid: child.identity.pid, version: binary.version, program: binary.path });
    try {
      await this.#setOomScore(child);
      await this.#record(child);
    } catch (error) {
      // Without a pidfile nobody would find it again.
      await terminate(child, { clock: this.#clock, stopTimeoutMs: this.#options.stopTimeoutMs });
      throw error;
    }
    return child;
  }

  /**
   * The program and its configuration. They are made once and kept while the program's file stays the same, so that a
   * restart is quick and does not fail over an extra configuration that somebody is editing.
   */
  async #prepare(
    signal: AbortSignal,
  ): Promise<{ readonly binary: ContainerdBinary; readonly config: GeneratedConfig }> {
    const { containerd, oomScore } = this.#options;
    const known = this.#binary;
    const binary = await inspectBinary(containerd, { known, clock: this.#clock, signal });
    let config = this.#config;
    if (config === undefined || binary !== known) {
      config = await configFor(this.#options, {
        paths: this.#paths,
        binary,
        oomScore: oomScore !== undefined && childMaySetOomScore(oomScore) ? oomScore : undefined,
      });
    }
    this.#binary = binary;
    this.#config = config;
    return { binary, config };
  }

  async #record({ identity, version }: Child): Promise<void> {
    const { address, root } = this.#paths;
    const hash = this.#config === undefined ? "" : await configHash(this.#config);
    // Dead before it was written down: its end is about to be reported, and the number may be somebody else's soon.
    if (identity.startTime < 0n) return;
    const record = { identity, bootId: await bootId(), address, root, version, configHash: hash };
    await writePidfile(this.#paths, record);
  }

  async #setOomScore({ identity }: Child): Promise<void> {
    if (this.#options.oomScore !== undefined) await setOomScore(identity.pid, this.#options.oomScore);
  }
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
