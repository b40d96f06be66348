/**
 * An instance of gantry for a test: directories of its own below one short path, a containerd of one version, a root
 * filesystem, and the program itself as a real process. Whatever it started is ended when it is disposed.
 */
import assert from "node:assert/strict";
import { below, cgroupsOf, exists, runcState } from "./container_remains.ts";
import { eventually } from "./eventually.ts";
import { gantryProgram } from "./gantry_program.ts";
import { assertNothingLeft, mountsOf, snapshot } from "./leftovers.ts";
import { PrivateContainerd, type TestContainerd } from "./private_containerd.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { type ProgramOptions, type ProgramResult, RunningProgram } from "./running_program.ts";
import { killProcess, scopedProcesses } from "./scoped_processes.ts";
import { SupervisedContainerd } from "./supervised_containerd.ts";
import { firstReason, needsRoot, test } from "./test.ts";
import { type ContainerdLabel, type ContainerdVersion, containerdVersions, prefixDir } from "./versions.ts";

/** What a command of an instance may be given. */
export type CommandOptions = Omit<ProgramOptions, "env"> & {
  /** Variables beside the instance's own. */
  readonly env?: Readonly<Record<string, string>> | undefined;
};

/** One instance. */
export class GantryInstance implements AsyncDisposable {
  /** Everything is below it. */
  readonly directory: string;
  readonly containerd: TestContainerd;
  /** A busybox. */
  readonly rootfs: string;
  /** Value of --state. */
  readonly state: string;
  /** Value of --root. */
  readonly root: string;
  readonly #ids = new Set<string>();

  readonly #addressEnv: Readonly<Record<string, string>>;

  private constructor(directory: string, version: ContainerdVersion, flags: readonly string[] | undefined) {
    this.directory = directory;
    this.rootfs = `${directory}/rootfs`;
    this.state = `${directory}/state`;
    this.root = `${directory}/root`;
    if (flags === undefined) {
      this.containerd = new PrivateContainerd(version, directory);
      this.#addressEnv = { CONTAINERD_ADDRESS: this.containerd.address };
    } else {
      // Found through the state directory, as users have it.
      this.#addressEnv = {};
      const env = { ...this.#baseEnv(version), GANTRY_CONTAINERD: version.containerd };
      this.containerd = new SupervisedContainerd(version, { directory, program: gantryProgram(), env, flags });
    }
  }

  /** Makes one and starts its containerd: by itself, or with `gantry up` and these flags. */
  static async open(version: ContainerdVersion, flags?: readonly string[]): Promise<GantryInstance> {
    // Short: sockets have paths of at most 104 bytes.
    const directory = await Deno.makeTempDir({ prefix: "g" });
    await Deno.chmod(directory, 0o755);
    const instance = new GantryInstance(directory, version, flags);
    try {
      await Promise.all([busyboxRootfs(instance.rootfs), instance.containerd.start()]);
      return instance;
    } catch (error) {
      await instance[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What its commands find in their environment. */
  get env(): Readonly<Record<string, string>> {
    return { ...this.#baseEnv(this.containerd.version), ...this.#addressEnv };
  }

  /** Starts a gantry command. */
  start(args: readonly string[], options: CommandOptions = {}): RunningProgram {
    return this.#spawn([...gantryProgram(), ...args], options);
  }

  /** Runs a gantry command to its end. */
  async gantry(args: readonly string[], options: CommandOptions = {}): Promise<ProgramResult> {
    await using program = this.start(args, options);
    return await program.ended();
  }

  /** Runs `gantry run --rm` with the instance's root filesystem. */
  async run(args: readonly string[], options: CommandOptions = {}): Promise<ProgramResult> {
    return await this.gantry(["run", "--rm", "--rootfs", this.rootfs, ...args], options);
  }

  /** Starts `gantry run` with the instance's root filesystem, without `--rm`. */
  startRun(args: readonly string[], options: CommandOptions = {}): RunningProgram {
    return this.start(["run", "--rootfs", this.rootfs, ...args], options);
  }

  /** Runs a bash script in which `"$@"` is gantry and `$ROOTFS` the root filesystem. */
  async bash(script: string, options: CommandOptions = {}): Promise<ProgramResult> {
    await using program = this.#spawn(["bash", "-c", script, "bash", ...gantryProgram()], {
      ...options,
      env: { ROOTFS: this.rootfs, ...options.env },
    });
    return await program.ended(120_000);
  }

  /** Runs containerd's own client; fails when it fails. */
  async ctr(...args: readonly string[]): Promise<string> {
    const argv = [this.containerd.version.ctr, "--address", this.containerd.address, ...args];
    await using program = this.#spawn(argv, {});
    const { code, out, err } = await program.ended();
    assert.equal(code, 0, `ctr ${args.join(" ")}: ${err}`);
    return out;
  }

  /** Ids of the containers that containerd has stored. */
  async containers(): Promise<readonly string[]> {
    return (await this.ctr("containers", "list", "--quiet")).split("\n").filter((id) => id !== "");
  }

  /** Id of the only container, once it has a task that runs. */
  async onlyRunning(): Promise<{ readonly id: string; readonly pid: number }> {
    return await eventually(async () => {
      const lines = (await this.ctr("tasks", "list")).split("\n").filter((line) => line.includes("RUNNING"));
      const [id = "", pid] = lines[0]?.split(/\s+/) ?? [];
      return lines.length === 1 ? { id, pid: Number(pid) } : undefined;
    }, { what: "one running task" });
  }

  /**
   * Waits until whoever makes a container knows that it runs: what it writes may be seen before the answer to its start,
   * which a containerd that is killed now would never give.
   */
  async untilStarted(): Promise<void> {
    const marks = `${this.root}/unfinished/default`;
    await eventually(async () => (await Array.fromAsync(Deno.readDir(marks))).length === 0, {
      what: "no unfinished start",
    });
  }

  /** Pid of the shim of a container. */
  async shimOf(id: string): Promise<number> {
    const shims = (await scopedProcesses(this.directory)).filter(({ command }) =>
      command.includes("containerd-shim-runc-v2") && command.includes(id)
    );
    assert.equal(shims.length, 1, `shims of ${id}: ${JSON.stringify(shims.map(({ command }) => command))}`);
    return shims[0]?.pid ?? 0;
  }

  /** What is there of containers, one line a thing: nothing when all have been removed. */
  async remains(): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const [what, list] of [["container", "containers"], ["task", "tasks"]] as const) {
      const ids = (await this.ctr(list, "list", "--quiet")).split("\n").filter((id) => id !== "");
      lines.push(...ids.map((id) => `${what} ${id}`));
    }
    for (const folder of this.#folders) lines.push(...await below(folder));
    for (const id of await this.#seen()) {
      if (await exists(runcState(id))) lines.push(`runc state of ${id}`);
      const socket = await this.#shimSocket(id);
      if (await exists(socket)) lines.push(`shim socket ${socket} of ${id}`);
      lines.push(...(await cgroupsOf(id)).map((path) => `cgroup ${path}`));
    }
    lines.push(...(await mountsOf(this.directory)).map((path) => `mount ${path}`));
    const processes = await scopedProcesses(this.directory);
    lines.push(
      ...processes.filter(({ pid }) => !this.containerd.pids.includes(pid)).map(({ command }) => `process ${command}`),
    );
    return lines;
  }

  /** Fails unless nothing of any container is left, given a moment: shims end after their last reply. */
  async assertEmpty(withinMs = 5000): Promise<void> {
    let last: readonly string[] = [];
    await eventually(async () => (last = await this.remains()).length === 0, { what: "no remains", withinMs })
      .catch(() => {});
    assert.deepEqual(last, [], "remains of containers");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#seen();
    await this.containerd[Symbol.asyncDispose]();
    for (let round = 0; round < 50; round++) {
      const processes = await scopedProcesses(this.directory);
      if (processes.length === 0) break;
      for (const process of processes) await killProcess(process);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const path of await mountsOf(this.directory)) {
      await new Deno.Command("umount", { args: ["-l", path], stdin: "null" }).output();
    }
    for (const id of this.#ids) {
      await Deno.remove(runcState(id), { recursive: true }).catch(() => {});
      for (const path of await cgroupsOf(id)) await Deno.remove(path).catch(() => {});
    }
    assert.deepEqual(await mountsOf(this.directory), []);
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Where things of containers are, each in a folder for its namespace. */
  get #folders(): readonly string[] {
    const { root, state } = this;
    return [`${state}/containers`, `${root}/containers`, `${root}/names`, `${root}/unfinished`, this.containerd.tasks];
  }

  /** Where the shims of all three versions listen: a hash of what containerd tells them. */
  async #shimSocket(id: string): Promise<string> {
    const named = new TextEncoder().encode(`${this.containerd.address}/default/${id}`);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", named)).toHex();
    return `/run/containerd/s/${hash}`;
  }

  #baseEnv(version: ContainerdVersion): Readonly<Record<string, string>> {
    const passedOn = ["DENO_DIR", "GANTRY_CACHE"].filter((name) => Deno.env.has(name));
    return {
      PATH: `${version.bin}:${prefixDir}/criu/bin:${Deno.env.get("PATH") ?? ""}`,
      HOME: Deno.env.get("HOME") ?? "/root",
      TMPDIR: this.directory,
      TERM: "xterm",
      GANTRY_STATE: this.state,
      GANTRY_ROOT: this.root,
      ...Object.fromEntries(passedOn.map((name) => [name, Deno.env.get(name) ?? ""])),
    };
  }

  #spawn(argv: readonly string[], options: CommandOptions): RunningProgram {
    return new RunningProgram(argv, { ...options, env: { ...this.env, ...options.env } });
  }

  /** Remembers the ids of all bundles and directories seen: what is left of them elsewhere is found by id. */
  async #seen(): Promise<ReadonlySet<string>> {
    for (const folder of this.#folders) {
      for (const path of await below(folder)) {
        const id = /\/([0-9a-f]{64})(?:\/|$)/.exec(path)?.[1];
        if (id !== undefined) this.#ids.add(id);
      }
    }
    return this.#ids;
  }
}

/** Options of {@link gantryTest}. */
export interface GantryTestOptions {
  /** Default all. */
  readonly versions?: readonly ContainerdLabel[] | undefined;
  /** The containerd is one that `gantry up` keeps alive, with these flags beside. Default: one of the test's own. */
  readonly up?: readonly string[] | undefined;
  readonly timeoutMs?: number | undefined;
  /** Why it cannot run here, for a reason of its own. */
  readonly skip?: string | undefined;
}

/**
 * Registers a test for each version of containerd. Each gets an instance of its own, must have removed every container at
 * its end, and must leave nothing on the machine.
 */
export function gantryTest(
  name: string,
  options: GantryTestOptions,
  body: (gantry: GantryInstance) => Promise<void>,
): void {
  for (const version of containerdVersions()) {
    if (options.versions !== undefined && !options.versions.includes(version.label)) continue;
    const skip = firstReason(needsRoot(), version.skip, options.skip);
    test(`${name} (containerd ${version.label})`, { skip, timeoutMs: options.timeoutMs }, async () => {
      const scope = await (async () => {
        await using instance = await GantryInstance.open(version, options.up ?? everyUp);
        const before = await snapshot({ scope: instance.directory });
        await body(instance);
        await instance.assertEmpty();
        return before;
      })();
      await assertNothingLeft(scope);
    });
  }
}

/** GANTRY_TEST_UP=1 runs all tests on a containerd that `gantry up` keeps alive. */
const everyUp: readonly string[] | undefined = Deno.env.get("GANTRY_TEST_UP") === "1" ? [] : undefined;

/** A shell script as a command. */
export function sh(script: string): readonly string[] {
  return ["--", "/bin/sh", "-c", script];
}
