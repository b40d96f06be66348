/**
 * What tests do with containerd's client, where no containerd knows the containers: looked at with runc and in the files,
 * past gantry; done with runc, and what a shim must know of with our driver or another gantry.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../lib/base/clock.ts";
import { loadLibc } from "../../lib/base/libc.ts";
import { fileRecords } from "../../lib/engine/file_records.ts";
import { ShimTasks } from "../../lib/shim/shim_tasks.ts";
import { packJson, typeUrls } from "../../lib/wire/any.ts";
import type { Spec } from "../../lib/wire/oci.ts";
import { eventually } from "./eventually.ts";
import type { ProgramResult } from "./running_program.ts";

loadLibc();

const namespace = "default";

/** Where the containers are, and how another gantry is run. */
export interface ShimPlace {
  /** Of their records and logs. */
  readonly root: string;
  /** Of their FIFOs. */
  readonly state: string;
  readonly bundles: string;
  readonly runcRoot: string;
  /** Runs another gantry to its end. */
  gantry(args: readonly string[]): Promise<ProgramResult>;
}

/** What runc knows of a container. */
interface RuncContainer {
  readonly id: string;
  readonly pid: number;
  readonly status: string;
}

/** Does what `ctr ARGS` does, as far as tests need it, and prints what it prints. */
export async function shimCtr(place: ShimPlace, args: readonly string[]): Promise<string> {
  const [group, verb, ...rest] = args;
  const { flags, words: [id = "", ...command] } = split(rest);
  switch (`${group} ${verb}`) {
    case "containers list":
      return lines(await storedIds(place));
    case "containers create":
      return await store(place, id, flags);
    case "tasks list":
      return await listTasks(place, flags.has("quiet"));
    case "tasks ps":
      return lines(["PID INFO", ...await pids(place, id)]);
    case "tasks pause":
    case "tasks resume":
      // The shim would not notice what runc does.
      return await freeze(place, verb ?? "", id);
    case "tasks kill":
      return await runc(place, "kill", id, flags.get("signal") ?? flags.get("s") ?? "SIGTERM");
    case "tasks delete":
      return await free(place, id);
    case "tasks exec":
      return await exec(place, { containerId: id, execId: flags.get("exec-id") ?? "", command });
  }
  throw new TypeError(`shim_ctr.ts does not know ctr ${args.join(" ")}`);
}

/** Flags that have no value. */
const switches: readonly string[] = ["quiet", "detach"];

function split(args: readonly string[]): { flags: ReadonlyMap<string, string>; words: readonly string[] } {
  const flags = new Map<string, string>();
  let at = 0;
  while (args[at]?.startsWith("-")) {
    const name = args[at++]?.replace(/^-+/, "") ?? "";
    flags.set(name, switches.includes(name) ? "" : args[at++] ?? "");
  }
  return { flags, words: args.slice(at) };
}

async function storedIds({ root }: ShimPlace): Promise<readonly string[]> {
  const ids: string[] = [];
  const folder = `${root}/containers/${namespace}`;
  for (const { name } of await Array.fromAsync(Deno.readDir(folder)).catch(() => [])) {
    if (await Deno.lstat(`${folder}/${name}/record.json`).then(() => true, () => false)) ids.push(name);
  }
  return ids.sort();
}

/** A container that gantry did not make. */
async function store(
  { root, state }: ShimPlace,
  id: string,
  flags: ReadonlyMap<string, string>,
): Promise<string> {
  const spec: Spec = {
    ociVersion: "1.0.2",
    process: { cwd: "/", args: ["/bin/true"], user: { uid: 0, gid: 0 } },
    root: { path: flags.get("rootfs") ?? "" },
  };
  await Deno.mkdir(`${root}/containers/${namespace}/${id}`, { recursive: true });
  const records = fileRecords({ instance: { root, state }, namespace, now: () => Date.now() });
  await records.create({ id, labels: {}, runtime: "io.containerd.runc.v2", spec: packJson(typeUrls.spec, spec) });
  return "";
}

async function listTasks(place: ShimPlace, quiet: boolean): Promise<string> {
  // It fails over a container that is removed meanwhile.
  const text = await eventually(() => runc(place, "list", "--format", "json").catch(() => undefined), {
    what: "a list",
  });
  const containers: readonly RuncContainer[] = JSON.parse(text) ?? [];
  if (quiet) return lines(containers.map(({ id }) => id));
  return lines([
    "TASK PID STATUS",
    ...containers.map(({ id, pid, status }) => `${id} ${pid} ${status.toUpperCase()}`),
  ]);
}

async function pids(place: ShimPlace, id: string): Promise<readonly string[]> {
  const found: readonly number[] = JSON.parse(await runc(place, "ps", "--format", "json", id)) ?? [];
  return found.map((pid) => `${pid} -`);
}

async function freeze({ gantry }: ShimPlace, verb: string, id: string): Promise<string> {
  const { code, err } = await gantry([verb, id]);
  assert.equal(code, 0, `gantry ${verb} ${id}: ${err}`);
  return "";
}

async function free(place: ShimPlace, containerId: string): Promise<string> {
  using tasks = driver(place);
  await tasks.delete({ containerId });
  return "";
}

async function exec(
  place: ShimPlace,
  { containerId, execId, command }: {
    readonly containerId: string;
    readonly execId: string;
    readonly command: readonly string[];
  },
): Promise<string> {
  const config = await Deno.readTextFile(`${place.bundles}/${namespace}/${containerId}/config.json`);
  const { process }: Spec = JSON.parse(config);
  assert.ok(process !== undefined);
  const ref = { containerId, execId };
  const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
  using tasks = driver(place);
  await tasks.exec({ process: ref, spec: { ...process, args: command, terminal: false }, stdio });
  await tasks.start(ref);
  return "";
}

function driver({ bundles }: ShimPlace): ShimTasks {
  const content = (): never => {
    throw new Error("nothing is created here");
  };
  return new ShimTasks({ root: bundles, namespace, clock: systemClock, content });
}

async function runc({ runcRoot }: ShimPlace, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("runc", {
    args: ["--root", `${runcRoot}/${namespace}`, ...args],
    stdin: "null",
  }).output();
  assert.equal(code, 0, `runc ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
