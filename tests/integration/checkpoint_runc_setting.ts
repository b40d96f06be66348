/** Containers on overlays run by runc alone, with the CRIU that tests use: no containerd between gantry's code and CRIU. */
import assert from "node:assert/strict";
import { mount, umount } from "../../lib/base/libc_files.ts";
import { loadFileCalls } from "../../lib/engine/archive/file_calls.ts";
import { withCriuConfig } from "../../lib/engine/checkpoint/criu_config.ts";
import type { ContainerOptions } from "../../lib/engine/container_options.ts";
import { prepareSpec } from "../../lib/engine/spec/prepare.ts";
import { newId } from "../../lib/wire/identifier.ts";
import { encodeOci } from "../../lib/wire/oci_json.ts";
import type { Spec } from "../../lib/wire/oci.ts";
import { eventually } from "../support/eventually.ts";
import { busyboxRootfs } from "../support/rootfs.ts";
import { criuVersion } from "../support/versions.ts";

loadFileCalls();

/** A container of these tests: a bundle over an overlay of its own. */
export interface Bundle {
  readonly id: string;
  readonly directory: string;
  readonly upper: string;
  readonly spec: Spec;
  /** The path of a file of the container on the host. */
  file(path: string): string;
}

/** What a command of runc ended with. */
export interface Ended {
  readonly success: boolean;
  readonly stderr: string;
}

/** A folder for everything, with runc's state in it. Disposing ends the containers and removes all. */
export interface Setting extends AsyncDisposable {
  readonly directory: string;
  /** The lower directory of every overlay. */
  readonly lower: string;
  /** Makes a bundle whose container runs a shell script. `criuConfig` is CRIU's configuration file. */
  bundle(script: string, given?: BundleOptions): Promise<Bundle>;
  /** Runs a container in the background. */
  start(bundle: Bundle): Promise<void>;
  /** runc with some arguments, and the right CRIU first in PATH. */
  runc(...args: readonly string[]): Promise<Ended>;
  /** Restores the images into a bundle's container. */
  restore(bundle: Bundle, images: string): Promise<Ended>;
  /** What runc says a container does; undefined when there is none. */
  status(bundle: Bundle): Promise<string | undefined>;
  /** Ends a container and removes it from runc. */
  remove(bundle: Bundle): Promise<void>;
}

/** Options of {@link Setting.bundle}. */
export interface BundleOptions {
  readonly network?: "host" | "none";
  readonly criuConfig?: string;
}

const defaults: Omit<ContainerOptions, "rootfs" | "command"> = {
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

/** Makes a {@link Setting} on the busybox root filesystem, in an empty folder that stays. */
export async function makeSetting(directory: string): Promise<Setting> {
  const lower = `${directory}/lower`;
  await Deno.mkdir(lower);
  await busyboxRootfs(lower);
  const cgroupParent = `/gantry-criu-${newId().slice(0, 12)}`;
  const made: Bundle[] = [];
  const env = { PATH: `${criuVersion().bin}:${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin` };

  async function run(args: readonly string[]): Promise<Ended & { readonly stdout: string }> {
    // Plain files: a descriptor of a pipe that the container inherited would be one CRIU cannot find again.
    const [out, err] = [`${directory}/stdout`, `${directory}/stderr`];
    const script = 'out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err" </dev/null';
    const command = ["runc", "--root", `${directory}/state`, ...args];
    const { success } = await new Deno.Command("sh", {
      args: ["-c", script, "sh", out, err, ...command],
      env,
      stdin: "null",
    }).output();
    return { success, stdout: await Deno.readTextFile(out), stderr: await Deno.readTextFile(err) };
  }

  /** The container gets /dev/null: CRIU finds that again everywhere. */
  async function detached(args: readonly string[], bundle: Bundle): Promise<Ended> {
    const log = `${bundle.directory}/runc.log`;
    const { success } = await new Deno.Command("runc", {
      args: ["--root", `${directory}/state`, "--log", log, ...args, "--bundle", bundle.directory, bundle.id],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return { success, stderr: await Deno.readTextFile(log).catch(() => "") };
  }

  async function status(bundle: Bundle): Promise<string | undefined> {
    const { success, stdout } = await run(["state", bundle.id]);
    return success ? /"status": "(\w+)"/.exec(stdout)?.[1] : undefined;
  }

  return {
    directory,
    lower,
    status,
    async bundle(script, given = {}) {
      const id = newId();
      const path = `${directory}/${id.slice(0, 12)}`;
      for (const name of ["upper", "work", "rootfs"]) await Deno.mkdir(`${path}/${name}`, { recursive: true });
      await Deno.chmod(`${path}/upper`, 0o755);
      const options: ContainerOptions = {
        ...defaults,
        command: ["sh", "-c", script],
        rootfs: { path: `${path}/rootfs`, overlay: false },
        network: given.network ?? "none",
      };
      mount("overlay", `${path}/rootfs`, {
        type: "overlay",
        data: `lowerdir=${lower},upperdir=${path}/upper,workdir=${path}/work,redirect_dir=off,metacopy=off`,
      });
      const prepared = await prepareSpec({ id, namespace: "test", options, cgroupParent });
      const spec = given.criuConfig === undefined ? prepared.spec : withCriuConfig(prepared.spec, given.criuConfig);
      await Deno.writeTextFile(`${path}/config.json`, encodeOci(spec));
      const bundle = {
        id,
        directory: path,
        upper: `${path}/upper`,
        spec,
        file: (name: string) => `${path}/rootfs${name}`,
      };
      made.push(bundle);
      return bundle;
    },
    async start(bundle) {
      const { success, stderr } = await detached(["run", "--detach"], bundle);
      assert.ok(success, stderr);
    },
    runc: (...args) => run(args),
    async restore(bundle, images) {
      const work = `${bundle.directory}/restore`;
      await Deno.mkdir(work, { recursive: true });
      return await detached(["restore", "--detach", "--image-path", images, "--work-path", work], bundle);
    },
    async remove(bundle) {
      await run(["delete", "--force", bundle.id]);
      await eventually(async () => await status(bundle) === undefined, { what: `container ${bundle.id} to go` });
    },
    async [Symbol.asyncDispose]() {
      for (const bundle of made) {
        await run(["delete", "--force", bundle.id]);
        umount(`${bundle.directory}/rootfs`);
        await removeCgroups(`${cgroupParent}/${bundle.id}`);
      }
      await removeCgroups(cgroupParent);
    },
  };
}

/** The number a counting container has written last. */
export async function count(bundle: Bundle): Promise<number> {
  return await eventually(async () => {
    const number = Number(await Deno.readTextFile(bundle.file("/count")).catch(() => "0"));
    return number > 0 ? number : undefined;
  }, { what: "the container to count" });
}

/** Waits until a container has counted on from `from`, and gives where it is. */
export async function countsOn(bundle: Bundle, from: number): Promise<number> {
  return await eventually(async () => {
    const number = await count(bundle);
    return number > from ? number : undefined;
  }, { what: `the container to count past ${from}` });
}

/** A container that counts in its memory and tells its root filesystem. The rename keeps readers from half a number. */
export const counter: string = "i=0; while :; do i=$((i+1)); echo $i >/next; mv /next /count; sleep 0.02; done";

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
