/** Containers that count, for tests of `checkpoint` and `restore`: what they print tells where they were and went on. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, type GantryTestOptions, sh } from "../support/gantry.ts";
import { firstReason } from "../support/test.ts";
import { criuVersion } from "../support/versions.ts";

/** A {@link gantryTest} that needs CRIU. */
export function checkpointTest(
  name: string,
  options: GantryTestOptions,
  body: (gantry: GantryInstance) => Promise<void>,
): void {
  gantryTest(name, { ...options, skip: firstReason(options.skip, criuVersion().skip) }, body);
}

/** Counts in its memory and prints each number once. */
export const counter = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.03; done";

/** stdout of a gantry command that must succeed without a word on stderr. */
export async function did(gantry: GantryInstance, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await gantry.gantry(args);
  assert.deepEqual([code, err], [0, ""], `gantry ${args.join(" ")}: ${out}`);
  return out;
}

/** Starts a detached container with a shell script, waits until it has printed something, and gives its id. */
export async function start(
  gantry: GantryInstance,
  { name, script = counter, flags = [], overlay = false }: {
    readonly name: string;
    readonly script?: string;
    readonly flags?: readonly string[];
    readonly overlay?: boolean;
  },
): Promise<string> {
  const rootfs = overlay ? `${gantry.rootfs}:O` : gantry.rootfs;
  const id = (await did(gantry, "run", "-d", "--name", name, "--rootfs", rootfs, ...flags, ...sh(script))).trim();
  await eventually(async () => (await numbers(gantry.root, id)).length >= 3, { what: `${name} to count` });
  return id;
}

/** The numbers a container has printed so far. */
export async function numbers(root: string, id: string): Promise<readonly number[]> {
  const text = await Deno.readTextFile(`${root}/containers/default/${id}/stdout.log`);
  // The last line may be on its way.
  return text.split("\n").slice(0, -1).map(Number);
}

/** Waits until a container has printed `more` further numbers; gives all. */
export async function countsOn(gantry: { readonly root: string }, id: string, more = 3): Promise<readonly number[]> {
  const before = (await numbers(gantry.root, id).catch(() => [])).length;
  return await eventually(async () => {
    const all = await numbers(gantry.root, id).catch(() => []);
    return all.length >= before + more ? all : undefined;
  }, { what: `${more} more numbers of ${id}` });
}

/** Fails unless each number is the one before it and one. */
export function assertCounts(all: readonly number[], from: number): void {
  assert.deepEqual(all, all.map((_, index) => from + index));
}

/** State and exit code of all containers by name, as `ps -a` says them. */
export async function states(gantry: GantryInstance): Promise<Readonly<Record<string, string>>> {
  const lines = (await did(gantry, "ps", "-a", "--format", "{{.Names}} {{.State}}")).trim().split("\n");
  return Object.fromEntries(lines.filter((line) => line !== "").map((line) => line.split(" ")));
}

/** Removes all containers by force. */
export async function removeAll(gantry: GantryInstance): Promise<void> {
  const names = Object.keys(await states(gantry));
  if (names.length > 0) await did(gantry, "rm", "-f", ...names);
}
