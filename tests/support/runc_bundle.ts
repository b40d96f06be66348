/** Runs a spec with runc alone: no containerd and no shim between what was built and what the container gets. */
import { newId } from "../../lib/wire/identifier.ts";
import { encodeOci } from "../../lib/wire/oci_json.ts";
import type { Spec } from "../../lib/wire/oci.ts";
import type { ContainerOptions } from "../../lib/engine/container_options.ts";
import { prepareSpec } from "../../lib/engine/spec/prepare.ts";

/** How a container that runc ran ended. */
export interface RuncResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly spec: Spec;
  readonly warnings: readonly string[];
}

/** A folder for bundles, with runc's state in it. Disposing removes it. */
export interface RuncRunner extends AsyncDisposable {
  readonly directory: string;
  /** Options for a container on this runner's root filesystem; a field given here replaces the default. */
  options(given?: Partial<ContainerOptions>): ContainerOptions;
  /** Builds the spec and runs it to its end. */
  run(options: ContainerOptions): Promise<RuncResult>;
  /** The same for a container with a terminal, whose other end stays open until it ends; output goes where it writes it. */
  runOnTerminal(options: ContainerOptions): Promise<RuncResult>;
}

/** Makes a runner for the root filesystem at `rootfs`. */
export async function runcRunner(rootfs: string): Promise<RuncRunner> {
  const directory = await Deno.makeTempDir({ prefix: "gantry-spec-" });
  const cgroupParent = `/gantry-spec-${newId().slice(0, 12)}`;
  const runc = (args: readonly string[]): Deno.Command =>
    new Deno.Command("runc", { args: ["--root", `${directory}/state`, ...args], stdin: "null" });

  async function run(options: ContainerOptions, extra: readonly string[]): Promise<RuncResult> {
    const id = newId();
    const bundle = `${directory}/${id.slice(0, 12)}`;
    await Deno.mkdir(bundle);
    const { spec, warnings } = await prepareSpec({ id, namespace: "test", options, cgroupParent });
    await Deno.writeTextFile(`${bundle}/config.json`, encodeOci(spec));
    try {
      const output = await runc(["run", "--bundle", bundle, ...extra, id]).output();
      if (extra.length > 0 && output.success) await waitUntilStopped(runc, id);
      const decoder = new TextDecoder();
      return {
        code: output.code,
        stdout: decoder.decode(output.stdout),
        stderr: decoder.decode(output.stderr),
        spec,
        warnings,
      };
    } finally {
      await runc(["delete", "--force", id]).output();
      await removeCgroups(`${cgroupParent}/${id}`);
    }
  }

  return {
    directory,
    options: (given = {}) => ({ ...defaults, rootfs: { path: rootfs, overlay: false }, ...given }),
    run: (options) => run(options, []),
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
