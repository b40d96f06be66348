/** A containerd that `gantry up --detach` keeps alive, for tests of gantry as its users have it. */
import { eventually } from "./eventually.ts";
import { freeAddress, readRpcCounts, type TestContainerd } from "./private_containerd.ts";
import { type ProgramResult, RunningProgram } from "./running_program.ts";
import type { ContainerdVersion } from "./versions.ts";

/** Where it is, and how gantry is run. */
export interface SupervisedOptions {
  /** Everything is below it. */
  readonly directory: string;
  /** Program and first arguments of gantry. */
  readonly program: readonly string[];
  /** Environment that names the instance. */
  readonly env: Readonly<Record<string, string>>;
  /** Flags of `up` beside the usual ones. */
  readonly flags?: readonly string[] | undefined;
}

/** What `gantry status --json` says, as far as tests care. */
interface Status {
  readonly state: string;
  readonly containerdPid: number;
  readonly supervisorPid: number;
}

/** One supervisor with its containerd. */
export class SupervisedContainerd implements TestContainerd {
  readonly version: ContainerdVersion;
  readonly address: string;
  readonly tasks: string;
  readonly runcRoot = "/run/containerd/runc";
  readonly logPath: string;
  readonly #metricsAddress = freeAddress();
  readonly #options: SupervisedOptions;
  #pids: readonly number[] = [];

  constructor(version: ContainerdVersion, options: SupervisedOptions) {
    const { directory } = options;
    this.version = version;
    this.address = `${directory}/state/containerd.sock`;
    this.tasks = `${directory}/state/containerd/io.containerd.runtime.v2.task`;
    this.logPath = `${directory}/root/log/containerd.log`;
    this.#options = options;
  }

  get pid(): number {
    const [pid] = this.#pids;
    if (pid === undefined) throw new Error("containerd has not been started");
    return pid;
  }

  get pids(): readonly number[] {
    return this.#pids;
  }

  /** Starts both; again, waits until the supervisor has brought containerd back. */
  async start(): Promise<void> {
    if (this.#pids.length === 0) {
      const extra = `${this.#options.directory}/extra.toml`;
      await Deno.writeTextFile(extra, `[metrics]\naddress = "${this.#metricsAddress}"\n`);
      const { flags = [] } = this.#options;
      const up = await this.#gantry("up", "--detach", "--config-extra", extra, ...flags);
      if (up.code !== 0) throw new Error(`gantry up: ${up.err}\n${await this.log()}`);
    }
    const [before] = this.#pids;
    const { containerdPid, supervisorPid } = await eventually(async () => {
      const status = await this.#status();
      return status?.state === "serving" && await isAlive(status.containerdPid) ? status : undefined;
    }, { what: `a containerd that serves (before: ${before})` });
    this.#pids = [containerdPid, supervisorPid];
  }

  async log(): Promise<string> {
    return await Deno.readTextFile(this.logPath).catch(() => "");
  }

  signal(name: Deno.Signal): void {
    Deno.kill(this.pid, name);
  }

  /** Ends the containerd that runs now; its supervisor starts another. */
  async end(name: Deno.Signal = "SIGKILL"): Promise<void> {
    const { pid } = this;
    Deno.kill(pid, name);
    await eventually(async () => !await isAlive(pid), { what: `the end of containerd ${pid}`, everyMs: 1 });
  }

  async rpcCounts(): Promise<ReadonlyMap<string, number>> {
    return await readRpcCounts(this.#metricsAddress);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#pids.length > 0) await this.#gantry("down");
    this.#pids = [];
  }

  async #status(): Promise<Status | undefined> {
    const { out } = await this.#gantry("status", "--json");
    try {
      return JSON.parse(out);
    } catch {
      return undefined;
    }
  }

  async #gantry(...args: readonly string[]): Promise<ProgramResult> {
    const { program, env } = this.#options;
    await using running = new RunningProgram([...program, ...args], { env });
    return await running.ended();
  }
}

async function isAlive(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  return stat !== "" && !stat.includes(") Z ");
}
