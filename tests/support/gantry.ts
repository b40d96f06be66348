/**
 * An instance of gantry for a test: directories of its own below one short path, a containerd of one version, a root
 * filesystem, and the program itself as a real process. Whatever it started is ended when it is disposed. With
 * GANTRY_TEST_RUNTIME=shim there is no containerd: gantry runs that version's shims itself.
 */
import assert from "node:assert/strict";
import { below, containerdShimSocket, type ContainerPlaces, endRemains, remainsOf } from "./container_remains.ts";
import { DirectShims } from "./direct_shims.ts";
import { eventually } from "./eventually.ts";
import { gantryProgram } from "./gantry_program.ts";
import { assertNothingLeft, snapshot } from "./leftovers.ts";
import { PrivateContainerd, type TestContainerd } from "./private_containerd.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { type ProgramOptions, type ProgramResult, RunningProgram } from "./running_program.ts";
import { scopedProcesses } from "./scoped_processes.ts";
import type { ShimPlace } from "./shim_ctr.ts";
import { SupervisedContainerd } from "./supervised_containerd.ts";
import { firstReason, needsRoot, test } from "./test.ts";
import { needsContainerd, testRuntime } from "./test_runtime.ts";
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
  /** Values of --root and --state. */
  readonly directories: { readonly root: string; readonly state: string };
  /** Where the containers' FIFOs are: the value of --state, or shims' place in it. */
  readonly state: string;
  /** Where the containers' logs are: the value of --root, or shims' place in it. */
  readonly root: string;
  readonly #ids = new Set<string>();

  readonly #addressEnv: Readonly<Record<string, string>>;

  private constructor(directory: string, version: ContainerdVersion, flags: readonly string[] | undefined) {
    this.directory = directory;
    this.rootfs = `${directory}/rootfs`;
    this.directories = { root: `${directory}/root`, state: `${directory}/state` };
    this.root = placeIn(this.directories.root);
    this.state = placeIn(this.directories.state);
    if (testRuntime === "shim") {
      this.containerd = new DirectShims(version, this.directories.state);
      this.#addressEnv = { GANTRY_RUNTIME: "shim", GANTRY_SHIM: version.shim };
    } else if (flags === undefined) {
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

  /** Runs containerd's own client, or what is as far from gantry without a containerd; fails when it fails. */
  async ctr(...args: readonly string[]): Promise<string> {
    if (shims !== undefined) return await shims.shimCtr(this.#shimPlace, args);
    const argv = [this.containerd.version.ctr, "--address", this.containerd.address, ...args];
    await using program = this.#spawn(argv, {});
    const { code, out, err } = await program.ended();
    assert.equal(code, 0, `ctr ${args.join(" ")}: ${err}`);
    return out;
  }

  /** Ids of the containers that are stored. */
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
    const pid = shims[0]?.pid ?? 0;
    assert.equal(await Deno.readLink(`/proc/${pid}/exe`), await Deno.realPath(this.containerd.version.shim));
    return pid;
  }

  /** What is there of containers, one line a thing: nothing when all have been removed. */
  async remains(): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const [what, list] of [["container", "containers"], ["task", "tasks"]] as const) {
      const ids = (await this.ctr(list, "list", "--quiet")).split("\n").filter((id) => id !== "");
      lines.push(...ids.map((id) => `${what} ${id}`));
    }
    lines.push(...await remainsOf(this.#places, { ids: await this.#seen(), pids: this.containerd.pids }));
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
    const ids = await this.#seen();
    await this.containerd[Symbol.asyncDispose]();
    await endRemains(this.#places, ids);
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Where runc keeps what it knows of a container. */
  runcState(id: string): string {
    return `${this.containerd.runcRoot}/default/${id}`;
  }

  /** Where the logs of containers are that a gantry with `--root DIRECTORY` makes. */
  rootIn(directory: string): string {
    return placeIn(directory);
  }

  get #places(): ContainerPlaces {
    const { directory, root, state, containerd } = this;
    const folders = ["containers", "names", "unfinished"].map((name) => `${root}/${name}`);
    folders.push(`${state}/containers`, containerd.tasks);
    const shimSocket = async (id: string) =>
      testRuntime === "shim" ? undefined : await containerdShimSocket(containerd.address, id);
    return { directory, folders, runcState: (id) => this.runcState(id), shimSocket };
  }

  get #shimPlace(): ShimPlace {
    const { root, state, containerd: { tasks: bundles, runcRoot } } = this;
    return { root, state, bundles, runcRoot, gantry: (args) => this.gantry(args) };
  }

  #baseEnv(version: ContainerdVersion): Readonly<Record<string, string>> {
    const passedOn = ["DENO_DIR", "GANTRY_CACHE"].filter((name) => Deno.env.has(name));
    return {
      PATH: `${version.bin}:${prefixDir}/criu/bin:${Deno.env.get("PATH") ?? ""}`,
      HOME: Deno.env.get("HOME") ?? "/root",
      TMPDIR: this.directory,
      TERM: "xterm",
      GANTRY_STATE: this.directories.state,
      GANTRY_ROOT: this.directories.root,
      ...Object.fromEntries(passedOn.map((name) => [name, Deno.env.get(name) ?? ""])),
    };
  }

  #spawn(argv: readonly string[], options: CommandOptions): RunningProgram {
    return new RunningProgram(argv, { ...options, env: { ...this.env, ...options.env } });
  }

  /** Remembers the ids of all bundles and directories seen: what is left of them elsewhere is found by id. */
  async #seen(): Promise<ReadonlySet<string>> {
    for (const folder of this.#places.folders) {
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
  /** It is about containerd itself: skipped where there is none. Default: who runs the containers is all the same. */
  readonly needs?: "containerd" | undefined;
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
  const needs = options.needs ?? (options.up === undefined ? undefined : "containerd");
  for (const version of versionsOf(options)) {
    const without = needs === undefined ? undefined : needsContainerd();
    const skip = firstReason(needsRoot(), version.skip, without, options.skip);
    test(`${name} (${testRuntime} ${version.label})`, { skip, timeoutMs: options.timeoutMs }, async () => {
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

/** A test that is for some versions, to save time, is not lost when GANTRY_TEST_VERSIONS has none of them. */
function versionsOf({ versions }: GantryTestOptions): readonly ContainerdVersion[] {
  const all = containerdVersions();
  const some = all.filter(({ label }) => versions === undefined || versions.includes(label));
  return some.length > 0 ? some : all.slice(0, 1);
}

/** Where an instance keeps what is of containers. */
function placeIn(directory: string): string {
  return testRuntime === "shim" ? `${directory}/shim` : directory;
}

// Loaded inside a test, its modules would count as its open files.
const shims = testRuntime === "shim" ? await import("./shim_ctr.ts") : undefined;

/** GANTRY_TEST_UP=1 runs all tests on a containerd that `gantry up` keeps alive. */
const everyUp: readonly string[] | undefined = Deno.env.get("GANTRY_TEST_UP") === "1" ? [] : undefined;

/** A shell script as a command. */
export function sh(script: string): readonly string[] {
  return ["--", "/bin/sh", "-c", script];
}
