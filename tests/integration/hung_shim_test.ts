import assert from "node:assert/strict";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";

const count = 20;

async function detached(gantry: GantryInstance, name: string): Promise<string> {
  const { code, out, err } = await gantry.gantry(
    ["run", "-d", "--name", name, "--rootfs", gantry.rootfs, ...sh("trap 'exit 5' TERM; while :; do sleep 0.2; done")],
  );
  assert.equal(code, 0, err);
  return out.trim();
}

gantryTest("T14 one shim of twenty hangs: ps shows it as unknown within 2.5 s, and nobody else suffers", {
  timeoutMs: 300_000,
}, async (gantry) => {
  const names = Array.from({ length: count }, (_, index) => `c${index}`);
  const ids: string[] = [];
  // Two at a time, for there are two processors.
  for (let first = 0; first < count; first += 2) {
    ids.push(...await Promise.all(names.slice(first, first + 2).map((name) => detached(gantry, name))));
  }
  const [hungId = "", aId = ""] = ids;
  const healthy = (await gantry.gantry(["ps"])).ms;
  const shim = await gantry.shimOf(hungId);
  Deno.kill(shim, "SIGSTOP");
  for (const flags of [[], ["-a"], ["--filter", "name=c0"]]) {
    const list = await gantry.gantry(["ps", "--format", "{{.Names}} {{.Status}}", ...flags]);
    assert.equal(list.code, 0, list.err);
    assert.ok(list.ms < 2500, `ps ${flags.join(" ")} took ${list.ms} ms, ${healthy} ms when all was well`);
    const lines = list.out.trim().split("\n");
    assert.ok(lines.includes("c0 Unknown"), list.out);
    if (flags.length < 2) {
      assert.equal(lines.length, count);
      assert.equal(lines.filter((line) => / Up /.test(line)).length, count - 1);
    }
  }

  /** Runs a command that must go as if all was well: a hung shim costs those who wait for it 2 s at least. */
  const quick = async (args: readonly string[], out: string | RegExp): Promise<void> => {
    const end = await gantry.gantry(args);
    assert.equal(end.code, 0, `${args.join(" ")}: ${end.err}`);
    if (typeof out === "string") assert.equal(end.out, out);
    else assert.match(end.out, out);
    assert.ok(end.ms < 2000, `${args.join(" ")} took ${end.ms} ms`);
  };
  await quick(["kill", "c1"], "c1\n");
  await quick(["wait", "c1"], "137\n");
  await quick(["stop", "c2"], "c2\n");
  await quick(["wait", aId.slice(0, 12), "c2"], "137\n5\n");
  await quick(["pause", "c3"], "c3\n");
  await quick(["resume", "c3"], "c3\n");
  await quick(["inspect", "c3"], /"Running": true/);
  await quick(["rename", "c3", "d3"], "");
  await quick(["rm", "c1"], "c1\n");
  await quick(["rm", "-f", "d3", "c2"], "d3\nc2\n");
  await quick(["run", "--rm", "--rootfs", gantry.rootfs, ...sh("echo hi")], "hi\n");
  const some = await gantry.gantry(["ps", "-q", "--no-trunc"]);
  assert.ok(some.ms < 2500, `ps took ${some.ms} ms`);
  assert.equal(some.out.trim().split("\n").length, count - 3);

  const told = await gantry.gantry(["stop", "c0"]);
  assert.deepEqual([told.code, told.out], [1, ""]);
  assert.match(told.err, /^gantry: the shim of container \S+ does not .*\nhint: .*gantry rm -f [0-9a-f]{12}\n$/);
  assert.ok(told.ms < 15_000, `stop took ${told.ms} ms`);

  // A shim that goes on answers as if nothing had been. The TERM that it could not take is not lost.
  Deno.kill(shim, "SIGCONT");
  assert.match((await gantry.gantry(["ps", "-a", "--format", "{{.Names}} {{.Status}}"])).out, /^c0 (Up|Exited)/m);
  Deno.kill(shim, "SIGSTOP");
  const end = await gantry.gantry(["rm", "-fa"]);
  assert.deepEqual([end.code, end.err], [0, ""]);
  assert.ok(end.ms < 15_000, `rm -fa took ${end.ms} ms`);
});
