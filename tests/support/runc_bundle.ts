/** Runs a spec with runc alone: no containerd and no shim between what was built and what the container gets. */
import { newId } from "../../lib/wire/identifier.ts";
import { encodeOci } from "../../lib/wire/oci_json.ts";
import type { Process, Spec } from "../../lib/wire/oci.ts";
import type { Resources } from "../../lib/wire/oci_resources.ts";
import type { ContainerOptions } from "../../lib/engine/container_options.ts";
import type { BuiltSpec } from "../../lib/engine/spec/build.ts";
import { prepareSpec } from "../../lib/engine/spec/prepare.ts";

/** How a program ended. */
export interface RuncOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a container that runc ran ended. */
export interface RuncResult extends RuncOutput {
  readonly spec: Spec;
  readonly warnings: readonly string[];
}

/** A container that runs until it is disposed. */
export interface RunningContainer extends AsyncDisposable {
  readonly spec: Spec;
  /** Process id on the host. */
  readonly pid: number;
  /** Runs a further process in it, to its end. */
  exec(process: Process): Promise<RuncOutput>;
  /** Changes its limits; what runc says when it refuses. */
  update(resources: Resources): Promise<RuncOutput>;
}

/** A folder for bundles, with runc's state in it. Disposing removes it. */
export interface RuncRunner extends AsyncDisposable {
  readonly directory: string;
  /** Options for a container on this runner's root filesystem; a field given here replaces the default. */
  options(given?: Partial<ContainerOptions>): ContainerOptions;
  /** Builds the spec and runs it to its end. */
  run(options: ContainerOptions): Promise<RuncResult>;
  /** Builds the spec and starts it; its output goes nowhere. */
  start(options: ContainerOptions): Promise<RunningContainer>;
  /** The same for a container with a terminal, whose other end stays open until it ends; output goes where it writes it. */
  runOnTerminal(options: ContainerOptions): Promise<RuncResult>;
}

/** Makes a runner for the root filesystem at `rootfs`. */
export async function runcRunner(rootfs: string): Promise<RuncRunner> {
  const directory = await Deno.makeTempDir({ prefix: "gantry-spec-" });
  const cgroupParent = `/gantry-spec-${newId().slice(0, 12)}`;
  const runc = (args: readonly string[]): Deno.Command =>
    new Deno.Command("runc", { args: ["--root", `${directory}/state`, ...args], stdin: "null" });

  async function bundleOf(options: ContainerOptions): Promise<Bundle> {
    const id = newId();
    const path = `${directory}/${id.slice(0, 12)}`;
    await Deno.mkdir(path);
    const built = await prepareSpec({ id, namespace: "test", options, cgroupParent, dataDir: path });
    for (const { name, content, mode } of built.files) await Deno.writeTextFile(`${path}/${name}`, content, { mode });
    await Deno.writeTextFile(`${path}/config.json`, encodeOci(built.spec));
    return { ...built, id, path };
  }

  async function remove({ id, spec }: Bundle): Promise<void> {
    await output(runc(["delete", "--force", id]));
    const path = spec.linux?.cgroupsPath ?? "";
    await removeCgroups(path);
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== cgroupParent) await removeCgroups(parent);
  }

  async function run(options: ContainerOptions, extra: readonly string[]): Promise<RuncResult> {
    const bundle = await bundleOf(options);
    try {
      const result = await output(runc(["run", "--bundle", bundle.path, ...extra, bundle.id]));
      if (extra.length > 0 && result.code === 0) await waitUntilStopped(runc, bundle.id);
      return { ...result, spec: bundle.spec, warnings: bundle.warnings };
    } finally {
      await remove(bundle);
    }
  }

  async function start(options: ContainerOptions): Promise<RunningContainer> {
    const bundle = await bundleOf(options);
    const { id, path, spec } = bundle;
    const args = ["--root", `${directory}/state`, "--log", `${path}/log`, "run", "--detach", "--bundle", path];
    const nowhere = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const pidFile = `${path}/pid`;
    // A detached container keeps the streams of runc, so none of them may be a pipe that somebody reads to its end.
    const { code } = await new Deno.Command("runc", { args: [...args, "--pid-file", pidFile, id], ...nowhere })
      .output();
    if (code !== 0) {
      await remove(bundle);
      throw new Error(`runc run: ${await Deno.readTextFile(`${path}/log`)}`);
    }
    const withFile = async (verb: readonly string[], value: object): Promise<RuncOutput> => {
      const file = `${path}/${verb[0]}.json`;
      await Deno.writeTextFile(file, encodeOci(value));
      return await output(runc([...verb, file, id]));
    };
    return {
      spec,
      pid: Number(await Deno.readTextFile(pidFile)),
      exec: (process) => withFile(["exec", "--process"], process),
      update: (resources) => withFile(["update", "--resources"], resources),
      [Symbol.asyncDispose]: () => remove(bundle),
    };
  }

  return {
    directory,
    options: (given = {}) => ({ ...defaults, rootfs: { path: rootfs, overlay: false }, ...given }),
    run: (options) => run(options, []),
    start,
    async runOnTerminal(options) {
      // runc sends the terminal's other end to this socket. Nobody reads it, so the descriptor stays in flight, and open.
      const socket = `${directory}/tty.sock`;
      using _listener = Deno.listen({ transport: "unix", path: socket });
      const result = await run(options, ["--detach", "--console-socket", socket]);
      await Deno.remove(socket);
      return result;
    },
    async [Symbol.asyncDispose]() {
      await removeCgroups(cgroupParent);
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** A reason to skip when runc is not installed. */
export function needsRunc(): string | undefined {
  try {
    new Deno.Command("runc", { args: ["--version"], stdin: "null", stdout: "null", stderr: "null" }).outputSync();
    return undefined;
  } catch {
    return "runc is not installed";
  }
}

const defaults: Omit<ContainerOptions, "rootfs"> = {
  command: ["true"],
  env: [],
  tty: false,
  stdin: false,
  mounts: [],
  readOnly: false,
  network: "none",
  capAdd: [],
  capDrop: [],
  privileged: false,
  securityOpt: [],
  labels: {},
};

interface Bundle extends BuiltSpec {
  readonly id: string;
  readonly path: string;
}

async function output(command: Deno.Command): Promise<RuncOutput> {
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function waitUntilStopped(runc: (args: readonly string[]) => Deno.Command, id: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { stdout } = await runc(["state", id]).output();
    const state: unknown = JSON.parse(new TextDecoder().decode(stdout));
    if (typeof state === "object" && state !== null && "status" in state && state.status === "stopped") return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`container ${id} did not end`);
}

/** runc removes a container's cgroup but not the parent it made; on v1 there is one in each hierarchy. */
async function removeCgroups(path: string): Promise<void> {
  const mounts = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n");
  const points = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(" ")[4] ?? "");
  for (const point of points) {
    await Deno.remove(`${point}${path}`).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}
