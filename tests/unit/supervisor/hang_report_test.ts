import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { terminate } from "../../../lib/supervisor/child.ts";
import { reportHang } from "../../../lib/supervisor/hang_report.ts";
import { failureReport } from "../../../lib/supervisor/report.ts";
import { spawnProgram } from "../../../lib/supervisor/spawn.ts";
import { test } from "../../support/test.ts";
import { namesIn } from "../base/directories.ts";
import { eventually } from "../base/processes.ts";
import { place, withDirectories } from "./temporary.ts";

test("S13 a hang report shows each thread, the log and what the program dumps on SIGUSR1", async () => {
  await using here = await withDirectories(await place());
  const dump = `${here.paths.containerdTemp}/containerd.$$.stacks.log`;
  const child = await spawnProgram({
    program: "/bin/sh",
    args: ["-c", `trap 'echo "goroutine 1 [running]" > ${dump}' USR1; echo ready; while :; do sleep 0.02; done`],
    binDirectories: [],
    log: here.paths.log,
    dieWithParent: false,
    version: "1.7.99",
  });
  try {
    await eventually(async () => (await Deno.readTextFile(here.paths.log)).includes("ready"));
    const path = await reportHang(child, { paths: here.paths, clock: systemClock, reason: "3 checks failed" });
    assert.ok(path);
    const text = await Deno.readTextFile(path);
    assert.match(text, new RegExp(`^containerd 1\\.7\\.99, pid ${child.identity.pid}, hangs: 3 checks failed\n`));
    assert.match(text, new RegExp(`\nthread ${child.identity.pid} \\(sh\\) state [A-Z] `));
    assert.match(text, /\n== last lines of its log ==\nready\n/);
    assert.match(text, /\n== goroutines ==\ngoroutine 1 \[running\]\n/);
    assert.deepEqual(namesIn(here.paths.containerdTemp), [], "the dump was moved");
    for (let more = 0; more < 6; more++) {
      await Deno.writeTextFile(`${here.paths.logDirectory}/hang-2026-01-0${more}.txt`, "old");
    }
    await reportHang(child, { paths: here.paths, clock: systemClock, reason: "again" });
    assert.equal(namesIn(here.paths.logDirectory).filter((name) => name.startsWith("hang-")).length, 5);
  } finally {
    await terminate(child, { clock: systemClock, stopTimeoutMs: 5000 });
  }
});

test("S13 a report that cannot be written stops nothing", async () => {
  await using here = await place();
  const identity = { pid: 2 ** 22 - 1, startTime: 1n, executable: "/x" };
  const child = { identity, adopted: false, version: "", ended: Promise.resolve({}) };
  assert.equal(await reportHang(child, { paths: here.paths, clock: systemClock, reason: "x" }), undefined);
});

test("S05 a failure report has the reason, the configuration's path and the last lines of this start", async () => {
  await using here = await withDirectories(await place());
  await Deno.writeTextFile(
    here.paths.log,
    `yesterday\n${Array.from({ length: 40 }, (_, n) => `line ${n}`).join("\n")}\n`,
  );
  const end = { reason: "start_failed", why: "it ended with exit code 1" } as const;
  const report = failureReport(end, { paths: here.paths, logStart: "yesterday\n".length });
  const lines = report.split("\n");
  assert.equal(lines[0], "containerd did not start: it ended with exit code 1");
  assert.equal(lines[1], `its configuration: ${here.paths.config}`);
  assert.equal(lines[2], `its log: ${here.paths.log}, last lines:`);
  assert.equal(lines.at(-1), "  line 39");
  assert.equal(lines.length, 18);
  const nothing = failureReport({ reason: "restart_limit", why: "x" }, { paths: here.paths, logStart: 1e6 });
  assert.match(nothing, /^containerd keeps failing: x\n/);
  await Deno.remove(here.paths.log);
  assert.match(failureReport(end, { paths: here.paths, logStart: 0 }), /\(nothing was written\)$/);
});
