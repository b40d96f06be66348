/** Containers that are stored first and started later, as tests make and watch them. */
import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import type { GantryInstance } from "./gantry.ts";
import { testRuntime } from "./test_runtime.ts";

/** `gantry create` with the instance's root filesystem; the id. */
export async function create(gantry: GantryInstance, args: readonly string[]): Promise<string> {
  const end = await gantry.gantry(["create", "--rootfs", gantry.rootfs, ...args]);
  assert.deepEqual([end.code, end.err], [0, ""]);
  assert.match(end.out, /^[0-9a-f]{64}\n$/);
  return end.out.trim();
}

/** Exit code, stdout and stderr of a command. */
export async function transcript(
  gantry: GantryInstance,
  ...args: readonly string[]
): Promise<readonly [code: number, out: string, err: string]> {
  const { code, out, err } = await gantry.gantry(args);
  return [code, out, err];
}

/** What `ps` says of a container; `none` when it is not there. */
export async function stateOf(gantry: GantryInstance, name: string): Promise<string> {
  const { out } = await gantry.gantry(["ps", "-a", "--format", "{{.Names}} {{.State}}"]);
  return out.split("\n").find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? "none";
}

/** Waits until `ps` says so. */
export async function untilState(gantry: GantryInstance, name: string, state: string): Promise<void> {
  await eventually(async () => await stateOf(gantry, name) === state, { what: `${name} to be ${state}` });
}

/** Names of the files that gantry keeps of a container, its record aside: containerd has that, or two files beside them. */
export function filesOf(gantry: GantryInstance, id: string): readonly string[] {
  const names = [...Deno.readDirSync(`${gantry.root}/containers/default/${id}`)].map(({ name }) => name);
  return names.filter((name) => testRuntime !== "shim" || !["record.json", "spec.json"].includes(name)).sort();
}

/** What a container has written while nobody attended to it. */
export function logOf(gantry: GantryInstance, id: string, stream: "stdout" | "stderr" = "stdout"): Promise<string> {
  return Deno.readTextFile(`${gantry.root}/containers/default/${id}/${stream}.log`);
}
