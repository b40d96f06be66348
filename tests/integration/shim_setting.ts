/** Containers on shims spoken to directly: real shims, runc and programs, and no containerd. */
import assert from "node:assert/strict";
import type { ContainerOptions } from "../../lib/engine/container_options.ts";
import { prepareSpec } from "../../lib/engine/spec/prepare.ts";
import type { TaskApi } from "../../lib/engine/task_api.ts";
import { loadFileCalls } from "../../lib/engine/archive/file_calls.ts";
import { listBundles } from "../../lib/shim/bundle.ts";
import { bundlesDirectory } from "../../lib/shim/bundles_directory.ts";
import type { Process, Spec } from "../../lib/wire/oci.ts";
import type { ContractSetting } from "../contract/contract_setting.ts";
import { ShimTasks, type ShimTasksOptions } from "../../lib/shim/shim_tasks.ts";
import type { ContainerContent } from "../../lib/shim/task_making.ts";
import { newId } from "../../lib/wire/identifier.ts";
import { encodeOci } from "../../lib/wire/oci_json.ts";
import type { StdioPaths } from "../../lib/wire/task.ts";
import { leftSince, snapshot } from "../support/leftovers.ts";
import { needsRunc } from "../support/runc_bundle.ts";
import { busyboxRootfs } from "../support/rootfs.ts";
import { firstReason, needsRoot, test } from "../support/test.ts";
import { type ContainerdVersion, containerdVersions, criuVersion } from "../support/versions.ts";

loadFileCalls();

/** No streams at all. */
export const noStdio: StdioPaths = { stdin: "", stdout: "", stderr: "", terminal: false };

/** A place for containers on one version's shim; everything in it is ended when the test is over. */
export interface ShimSetting {
  readonly version: ContainerdVersion;
  /** Folder for whatever the test wants; the state directory of the instance that the bundles belong to. */
  readonly directory: string;
  /** The directory of all bundles. */
  readonly root: string;
  readonly namespace: string;
  /** A driver; several are like several processes. */
  tasks(given?: Partial<ShimTasksOptions>): ShimTasks & TaskApi;
  /** Describes a container that runs a shell script; gives its id. */
  define(
    script: string,
    given?: Partial<ContainerOptions & { content: Partial<ContainerContent & { readonly config: string }> }>,
  ): Promise<string>;
  /** Plain files for the streams of one process. */
  files(name: string): Promise<StdioPaths>;
  bundle(id: string): string;
  /** What a container was described with. */
  content(id: string): ContainerContent & { readonly config: string };
  /** What a container's cgroups are below every hierarchy. */
  cgroups(id: string): Promise<readonly string[]>;
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

/** The first process of a container with another command. */
export function processOf(setting: ShimSetting, id: string, args: readonly string[]): Process {
  const spec: Spec = JSON.parse(setting.content(id).config);
  assert.ok(spec.process !== undefined);
  return { ...spec.process, args };
}

/** Registers a test for each version's shim. Nothing may be left behind: process, mount, control group, socket, bundle. */
export function shimTest(name: string, body: (setting: ShimSetting) => Promise<void>): void {
  for (const version of containerdVersions()) {
    const skip = firstReason(version.skip, needsRoot(), needsRunc());
    test(`${name} (shim ${version.label})`, { skip }, async () => {
      await using place = await openPlace(version);
      await body(place.setting);
      await place.check();
    });
  }
}

/** A setting that removes its folder at the end and fails when anything is left then; {@link check} also looks at bundles. */
interface Place extends AsyncDisposable {
  readonly setting: ShimSetting;
  check(): Promise<void>;
}

async function openPlace(version: ContainerdVersion): Promise<Place> {
  const before = await snapshot({ scope: Deno.env.get("GANTRY_TEST_SCOPE") });
  const directory = await Deno.makeTempDir({ prefix: "s" });
  const setting = await makeSetting(directory, version);
  return {
    setting,
    async check() {
      assert.deepEqual(await remains(setting), [], "bundles and sockets");
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(`/run/containerd/runc/${setting.namespace}`).catch(() => {});
      await removeCgroups(setting);
      // The control groups of other suites come and go on the same machine.
      const left = (await leftSince(before)).filter((line) =>
        !line.startsWith("cgroup ") || line.includes(setting.namespace)
      );
      assert.deepEqual(left, [], "left behind");
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** The contract suite's setting on one version's shim, started one way. */
export async function openContract(
  version: ContainerdVersion,
  way: "direct" | "start",
): Promise<ContractSetting> {
  const place = await openPlace(version);
  const { setting } = place;
  const api = setting.tasks({ way });
  return {
    api,
    directory: setting.directory,
    async makeContainer({ command, tty = false, memory }) {
      const limits = memory === undefined ? {} : { memory };
      const id = await setting.define("", { command: [...command], tty, ...limits });
      const bound = { type: "bind", source: `${setting.directory}/rootfs`, options: ["rbind", "rw"] };
      const spec: Spec = JSON.parse((await setting.content(id)).config);
      return { id, rootfs: [bound], spec };
    },
    async [Symbol.asyncDispose]() {
      await using _place = place;
      const { bundles } = await listBundles(setting.root, setting.namespace);
      for (const { id } of bundles) await api.destroy(id);
      api[Symbol.dispose]();
      await place.check();
    },
  };
}

async function makeSetting(directory: string, version: ContainerdVersion): Promise<ShimSetting> {
  const rootfs = `${directory}/rootfs`;
  await Deno.mkdir(rootfs);
  await busyboxRootfs(rootfs);
  const namespace = `t${newId().slice(0, 8)}`;
  // As an instance whose state directory it is has them: its commands can be run on them.
  const root = bundlesDirectory(directory);
  const contents = new Map<string, ContainerContent & { readonly config: string }>();
  const content = (id: string): ContainerContent & { readonly config: string } => {
    const found = contents.get(id);
    if (found === undefined) throw new Error(`${id} was not defined`);
    return found;
  };
  const bundle = (id: string): string => `${root}/${namespace}/${id}`;
  return {
    version,
    directory,
    root,
    namespace,
    bundle,
    content,
    tasks: (given = {}) =>
      new ShimTasks({
        root,
        namespace,
        path: `${criuVersion().bin}:${Deno.env.get("PATH")}:/usr/sbin:/sbin`,
        content,
        ...given,
      }),
    async define(script, given = {}) {
      const id = newId();
      const { content: more = {}, ...options } = given;
      const built = await prepareSpec({
        id,
        namespace,
        options: {
          ...defaults,
          rootfs: { path: rootfs, overlay: false },
          command: ["/bin/sh", "-c", script],
          ...options,
        },
        cgroupParent: `/gantry-${namespace}`,
        dataDir: directory,
      });
      for (const { name, content: text, mode } of built.files) {
        await Deno.writeTextFile(`${directory}/${name}`, text, { mode });
      }
      contents.set(id, { config: encodeOci(built.spec), shim: version.shim, ...more });
      return id;
    },
    async files(name) {
      const [stdout, stderr] = [`${directory}/${name}.out`, `${directory}/${name}.err`];
      for (const file of [stdout, stderr]) await Deno.writeTextFile(file, "");
      return { stdin: "", stdout, stderr, terminal: false };
    },
    cgroups: (id) => cgroupsNamed(`/gantry-${namespace}/${id}`),
  };
}

async function remains({ root }: ShimSetting): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name } of await entries(root)) {
    for (const inside of await entries(`${root}/${name}`)) found.push(`${name}/${inside.name}`);
  }
  return found;
}

async function removeCgroups({ namespace }: ShimSetting): Promise<void> {
  for (const path of await cgroupsNamed(`/gantry-${namespace}`)) await Deno.remove(path);
}

async function cgroupsNamed(path: string): Promise<readonly string[]> {
  const mounts = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n");
  // Not those that CRIU has for a moment, in whatever test.
  const points = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(" ")[4] ?? "")
    .filter((point) => !point.includes("/.criu."));
  const found: string[] = [];
  for (const point of points) {
    if (await Deno.lstat(`${point}${path}`).then(() => true, () => false)) found.push(`${point}${path}`);
  }
  return found;
}

async function entries(path: string): Promise<readonly Deno.DirEntry[]> {
  return await Array.fromAsync(Deno.readDir(path)).catch(() => []);
}
