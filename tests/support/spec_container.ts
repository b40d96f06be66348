/** What tests of specs share: a container run by runc alone, on a root filesystem of its own. */
import assert from "node:assert/strict";
import { assertNothingLeft, snapshot } from "./leftovers.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { needsRunc, type RuncOutput, type RuncRunner, runcRunner } from "./runc_bundle.ts";
import { firstReason, needsRoot, test } from "./test.ts";

/** Why containers cannot be run here; undefined when they can. */
export const skip: string | undefined = firstReason(needsRoot(), needsRunc());

/** Registers a test that gets a root filesystem of its own and a runner for it, and must leave nothing behind. */
export function specTest(
  name: string,
  body: (runner: RuncRunner, rootfs: string) => Promise<void>,
  why: string | undefined = skip,
): void {
  test(name, { skip: why }, async () => {
    const rootfs = await Deno.makeTempDir({ prefix: "gantry-rootfs-" });
    const before = await snapshot({ scope: rootfs });
    try {
      // Users other than root go through it too.
      await Deno.chmod(rootfs, 0o755);
      await busyboxRootfs(rootfs);
      await using runner = await runcRunner(rootfs);
      await body(runner, rootfs);
    } finally {
      await Deno.remove(rootfs, { recursive: true });
    }
    await assertNothingLeft(before);
  });
}

/** A shell script as a command. */
export function sh(script: string): readonly string[] {
  return ["sh", "-c", script];
}

/** What a container wrote; fails with its complaints unless it exited with 0. */
export function ok(result: RuncOutput): string {
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
}

/** A field of the text of /proc/PID/status. */
export function field(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
}

/** True when there is something at `path` on the host. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
