import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";

const ticking = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done";

async function detached(gantry: GantryInstance, name: string, script: string): Promise<string> {
  const { code, out, err } = await gantry.gantry([
    "run",
    "-d",
    "--name",
    name,
    "--rootfs",
    gantry.rootfs,
    ...sh(script),
  ]);
  assert.equal(code, 0, err);
  return out.trim();
}

gantryTest("T10 pause freezes a container and resume lets it go on", {}, async (gantry) => {
  const id = await detached(gantry, "clock", ticking);
  const log = `${gantry.root}/containers/default/${id}/stdout.log`;
  const size = async (): Promise<number> => (await Deno.stat(log)).size;
  await eventually(async () => await size() > 0, { what: "its first tick" });
  for (const resume of ["resume", "unpause"]) {
    const paused = await gantry.gantry(["pause", "clock"]);
    assert.deepEqual([paused.code, paused.out, paused.err], [0, "clock\n", ""]);
    assert.match((await gantry.gantry(["ps"])).out, /Up .*\(Paused\).*clock/);
    const then = await size();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(await size(), then, "it ticks while it is paused");
    const resumed = await gantry.gantry([resume, id.slice(0, 12)]);
    assert.deepEqual([resumed.code, resumed.out, resumed.err], [0, `${id.slice(0, 12)}\n`, ""]);
    await eventually(async () => await size() > then, { what: "the next tick" });
  }
  assert.equal((await gantry.gantry(["rm", "-f", "clock"])).code, 0);
});

gantryTest("T10 pause and resume refuse what is so already or does not run, and say why", {}, async (gantry) => {
  const id = await detached(gantry, "web", "sleep 1000");
  await detached(gantry, "over", "exit 0");
  assert.equal((await gantry.gantry(["wait", "over"])).out, "0\n");
  const cases = [
    [["resume", "web"], `container ${id} is not paused`],
    [["pause", "web"], undefined],
    [["pause", "web"], `container ${id} is paused already`],
    [["resume", "web"], undefined],
    [["pause", "over"], "does not run"],
    [["resume", "over"], "does not run"],
    [["pause", "nobody"], 'no container "nobody"'],
    [["resume", "f".repeat(64)], `no container ${"f".repeat(64)}`],
  ] as const;
  for (const [args, message] of cases) {
    const end = await gantry.gantry(args);
    assert.equal(end.code, message === undefined ? 0 : 1, `${args.join(" ")}: ${end.err}`);
    if (message !== undefined) assert.ok(end.err.startsWith("gantry: ") && end.err.includes(message), end.err);
  }
  const both = await gantry.gantry(["pause", "over", "web"]);
  assert.deepEqual([both.code, both.out], [1, "web\n"], "a failure does not keep the others");
  assert.equal((await gantry.gantry(["resume", "--all"])).out, `${id}\n`);
  assert.equal((await gantry.gantry(["pause", "--all"])).out, `${id}\n`);
  assert.equal((await gantry.gantry(["pause"])).code, 125);
  assert.equal((await gantry.gantry(["rm", "-f", "web", "over"])).code, 0);
});

gantryTest("T12 rename gives a container another name, by which alone it goes from then on", {}, async (gantry) => {
  const id = await detached(gantry, "old", "sleep 1000");
  await detached(gantry, "taken", "sleep 1000");
  const taken = await gantry.gantry(["rename", "old", "taken"]);
  assert.deepEqual([taken.code, taken.out], [1, ""]);
  assert.match(taken.err, /^gantry: the name taken is in use by container/);
  for (
    const [args, message] of [
      [["rename", "old", "../x"], /is not a container name/],
      [["rename", "old"], /needs a value for NAME/],
      [["rename", "old", "a", "b"], /at most 2 arguments/],
    ] as const
  ) {
    const wrong = await gantry.gantry(args);
    assert.equal(wrong.code, 125);
    assert.match(wrong.err, message);
  }
  const end = await gantry.gantry(["rename", id.slice(0, 10), "new"]);
  assert.deepEqual([end.code, end.out, end.err], [0, "", ""]);
  assert.equal((await gantry.gantry(["rename", "new", "new"])).code, 0, "its own name");
  assert.match((await gantry.gantry(["ps"])).out, /\bnew$/m);
  assert.equal((await gantry.gantry(["kill", "old"])).code, 1);
  await detached(gantry, "old", "exit 4");
  assert.equal((await gantry.gantry(["wait", "old"])).out, "4\n", "the old name is free");
  assert.equal((await gantry.gantry(["stop", "-t", "0", "new"])).out, "new\n");
  assert.equal((await gantry.gantry(["rm", "-f", "new", "old", "taken"])).out, "new\nold\ntaken\n");
});
