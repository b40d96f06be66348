import assert from "node:assert/strict";
import { confinedRun } from "../../../scripts/testing/confined_run.ts";
import { needsRoot, test } from "../../support/test.ts";

/** A path with room for the run's own folder; the run makes and removes it. */
async function withScope(body: (scope: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await body(`${home}/s`);
    assert.deepEqual([...Deno.readDirSync(home)], [], "the scope's folder is removed");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

test("a run returns its code and output and has nothing left behind", async () => {
  await withScope(async (scope) => {
    const run = await confinedRun("sh", {
      args: ["-c", 'echo out; echo err >&2; echo "$TMPDIR"; exit 3'],
      scope,
      timeoutMs: 20_000,
    });
    assert.equal(run.code, 3);
    assert.equal(run.timedOut, false);
    assert.deepEqual(run.output.trim().split("\n").sort(), ["err", "out", scope].sort());
    assert.deepEqual(run.left, []);
  });
});

test("a run that hangs is killed with its whole tree, also what left its session and ignores TERM", async () => {
  await withScope(async (scope) => {
    const script =
      "setsid sh -c \"trap '' TERM; echo \\$\\$ >$TMPDIR/../pid; while :; do sleep 60; done\" & sleep 1000";
    const run = await confinedRun("sh", { args: ["-c", script], scope, timeoutMs: 1500 });
    const pidFile = scope.replace(/\/s$/, "/pid");
    const pid = Number(await Deno.readTextFile(pidFile));
    await Deno.remove(pidFile);
    assert.equal(run.timedOut, true);
    assert.ok(pid > 0 && !isAlive(pid), `process ${pid} is alive`);
  });
});

test("a process that outlives its run is named and ended", async () => {
  await withScope(async (scope) => {
    const run = await confinedRun("sh", {
      args: ["-c", "setsid sleep 987 & echo $!"],
      scope,
      timeoutMs: 30_000,
      graceMs: 300,
    });
    const pid = Number(run.output);
    assert.equal(run.left.length, 1, String(run.left));
    assert.match(run.left[0] ?? "", /process \d+ \(sleep\): sleep 987/);
    assert.ok(!isAlive(pid));
  });
});

test("a mount that outlives its run is named and taken down, and nothing is removed through it", {
  skip: needsRoot(),
}, async () => {
  const precious = await Deno.makeTempDir();
  await Deno.writeTextFile(`${precious}/file`, "keep");
  await withScope(async (scope) => {
    const script = `mkdir "$TMPDIR/m" && mount --bind ${precious} "$TMPDIR/m"`;
    const run = await confinedRun("sh", { args: ["-c", script], scope, timeoutMs: 30_000, graceMs: 300 });
    assert.equal(run.left.length, 1, String(run.left));
    assert.match(run.left[0] ?? "", new RegExp(`^mount ${scope}/m`));
  });
  assert.equal(await Deno.readTextFile(`${precious}/file`), "keep");
  await Deno.remove(precious, { recursive: true });
});
