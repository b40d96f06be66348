/** A container that does nothing until it is stopped, for tests of what is done to it. */
import assert from "node:assert/strict";
import { type GantryInstance, sh } from "./gantry.ts";

/** Starts one and gives its id. It ends by TERM, with 0. */
export async function startIdle(gantry: GantryInstance, name: string, flags: readonly string[] = []): Promise<string> {
  const script = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
  const end = await gantry.gantry(["run", "-d", "--name", name, "--rootfs", gantry.rootfs, ...flags, ...sh(script)]);
  assert.equal(end.code, 0, end.err);
  return end.out.trim();
}

/** Removes containers by force. */
export async function removeAll(gantry: GantryInstance, ...names: readonly string[]): Promise<void> {
  const end = await gantry.gantry(["rm", "-f", ...names]);
  assert.equal(end.code, 0, end.err);
}
