import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { closeFd, openFd, openFlags } from "../../../lib/base/libc_files.ts";
import { processState, readIdentity, readStat } from "../../../lib/base/proc.ts";
import { type Child, describeEnd, isAlive, signalChild, terminate } from "../../../lib/supervisor/child.ts";
import { hasAdvanced, readProgress } from "../../../lib/supervisor/progress.ts";
import { childEnvironment, spawnProgram } from "../../../lib/supervisor/spawn.ts";
import { processAge } from "../../../lib/supervisor/uptime.ts";
import { test } from "../../support/test.ts";
import { eventually } from "../base/processes.ts";
import { type Place, place, withDirectories } from "./temporary.ts";

/** Runs a shell script as the child, logging into the place's log. */
function spawnShell(
  here: Place,
  script: string,
  change: { readonly env?: Record<string, string> } = {},
): Promise<Child> {
  return spawnProgram({
    program: "/bin/sh",
    args: ["-c", script],
    binDirectories: ["/own/bin"],
    log: here.paths.log,
    dieWithParent: false,
    version: "1.7.99",
    ...change,
  });
}

const hour = { clock: systemClock, stopTimeoutMs: 3_600_000 };

test("S03 the child has a session of its own and no descriptor of ours but 0 to 2", async () => {
  await using here = await withDirectories(await place());
  // As a script's $(…) would leave them: inherited, not close-on-exec.
  const leaks = [openFd("/dev/null", openFlags.readOnly), openFd("/dev/zero", openFlags.readWrite)];
  try {
    const child = await spawnShell(here, "ls -l /proc/self/fd; cut -d' ' -f5,6 /proc/$$/stat; echo $$; pwd; umask");
    assert.deepEqual(await child.ended, { code: 0 });
  } finally {
    leaks.forEach(closeFd);
  }
  const text = await Deno.readTextFile(here.paths.log);
  const descriptors = [...text.matchAll(/ (\d+) -> (\S+)/g)].map(([, fd, target]) => [fd, target]);
  // 3 is the directory that ls itself reads.
  assert.deepEqual(descriptors.filter(([fd]) => fd !== "3"), [
    ["0", "/dev/null"],
    ["1", here.paths.log],
    ["2", here.paths.log],
  ]);
  assert.match(text, /\n(\d+) \1\n\1\n\/\n0022\n$/, "group and session are its own pid, directory and umask neutral");
});

test("S03 the child's output is appended to the log, and outlives no pipe of ours", async () => {
  await using here = await withDirectories(await place());
  await Deno.writeTextFile(here.paths.log, "before\n");
  const child = await spawnShell(here, "echo out; echo err >&2");
  await child.ended;
  assert.equal(await Deno.readTextFile(here.paths.log), "before\nout\nerr\n");
});

test("S03 the child gets no word that is meant for us, and its own directory first in PATH", async () => {
  const ours = {
    NOTIFY_SOCKET: "/x",
    WATCHDOG_USEC: "1",
    WATCHDOG_PID: "2",
    LISTEN_FDS: "1",
    LISTEN_PID: "3",
    LISTEN_FDNAMES: "y",
    GANTRY_STATE: "/z",
    JOURNAL_STREAM: "8:1",
    HTTPS_PROXY: "http://proxy",
    PATH: "/usr/bin",
  };
  assert.deepEqual(childEnvironment(ours, ["/a/bin", "/b"]), {
    HTTPS_PROXY: "http://proxy",
    PATH: "/a/bin:/b:/usr/bin",
  });
  await using here = await withDirectories(await place());
  await (await spawnShell(here, "env", { env: ours })).ended;
  const lines = (await Deno.readTextFile(here.paths.log)).trim().split("\n").filter((line) =>
    !/^(PWD|_|SHLVL)=/.test(line)
  );
  assert.deepEqual(lines.sort(), ["HTTPS_PROXY=http://proxy", "PATH=/own/bin:/usr/bin"]);
});

test("the identity of a spawned program is that of the program, not of the shell that became it", async () => {
  await using here = await withDirectories(await place());
  const sleep = await Deno.realPath("/bin/sleep");
  for (let round = 0; round < 10; round++) {
    const child = await spawnProgram({
      program: sleep,
      args: ["1000"],
      binDirectories: [],
      log: here.paths.log,
      dieWithParent: false,
      version: "",
    });
    assert.equal(child.identity.executable, sleep);
    assert.equal(await isAlive(child.identity), true);
    await terminate(child, hour);
    assert.equal(await isAlive(child.identity), false);
  }
});

test("S05 what the shell or the kernel says about a program that cannot be started is the error", async () => {
  await using here = await withDirectories(await place());
  await assert.rejects(
    spawnProgram({
      program: "/bin/true",
      args: [],
      binDirectories: [],
      log: `${here.path}/nowhere/log`,
      dieWithParent: false,
      version: "",
    }),
    (error) => {
      assert.ok(isCode(error, "failed_precondition"));
      assert.ok(error.message.includes(`${here.path}/nowhere/log`), error.message);
      return true;
    },
  );
});

test("a start that is called off leaves no process", async () => {
  await using here = await withDirectories(await place());
  const stop = new AbortController();
  stop.abort(new GantryError("cancelled", "enough"));
  await assert.rejects(
    spawnProgram({
      program: "/bin/sleep",
      args: ["1000"],
      binDirectories: [],
      log: here.paths.log,
      dieWithParent: false,
      version: "",
      signal: stop.signal,
    }),
    /enough/,
  );
});

test("S15 terminate() needs no KILL for a program that heeds TERM, even a stopped one", async () => {
  await using here = await withDirectories(await place());
  for (const prelude of ["", "kill -STOP $$; "]) {
    const child = await spawnShell(here, `${prelude}while :; do sleep 0.05; done`);
    if (prelude !== "") await eventually(() => processState(child.identity.pid) === "T");
    assert.equal(await terminate(child, hour), false);
    assert.deepEqual(await child.ended, { signal: "SIGTERM" });
  }
});

test("S15 terminate() kills a program that does not heed TERM when the stop timeout is over", async () => {
  await using here = await withDirectories(await place());
  const child = await spawnShell(here, "trap '' TERM; echo ready; while :; do sleep 0.05; done");
  await eventually(async () => (await Deno.readTextFile(here.paths.log)).includes("ready"));
  assert.equal(await terminate(child, { clock: systemClock, stopTimeoutMs: 100 }), true);
  assert.deepEqual(await child.ended, { signal: "SIGKILL" });
});

test("S07 signals go to the very process or to nobody", async () => {
  await using here = await withDirectories(await place());
  const child = await spawnShell(here, "exec sleep 1000");
  const stranger = { identity: { ...child.identity, startTime: child.identity.startTime + 1n } };
  assert.equal(await signalChild(stranger, "KILL"), false);
  assert.equal(await isAlive(stranger.identity), false);
  assert.ok(await readIdentity(child.identity.pid));
  await terminate(child, hour);
  assert.equal(await signalChild(child, "KILL"), false);
});

test("describeEnd() says how a process ended", () => {
  assert.equal(describeEnd({ code: 3 }), "exit code 3");
  assert.equal(describeEnd({ signal: "SIGKILL" }), "signal SIGKILL");
  assert.match(describeEnd({}), /only its former parent could read/);
});

test("S06 CPU, disk and log are progress, and a dead or idle process makes none", async () => {
  await using here = await withDirectories(await place());
  const child = await spawnShell(here, "exec sleep 1000");
  const idle = readProgress(child.identity.pid, here.paths.log);
  assert.equal(hasAdvanced(idle, idle), false);
  await Deno.writeTextFile(here.paths.log, "x");
  assert.equal(hasAdvanced(idle, readProgress(child.identity.pid, here.paths.log)), true);
  await terminate(child, hour);
  assert.deepEqual(readProgress(child.identity.pid, `${here.path}/none`), { cpuTicks: 0, diskBytes: 0, logBytes: 0 });
  const busy = await spawnShell(here, "while :; do :; done");
  const before = readProgress(busy.identity.pid, here.paths.log);
  await eventually(() => hasAdvanced(before, readProgress(busy.identity.pid, here.paths.log)));
  await terminate(busy, hour);
});

test("S22 the age of a process is that of the kernel", async () => {
  const stat = readStat(Deno.pid);
  assert.ok(stat);
  const age = processAge(stat);
  assert.ok(age !== undefined && age > 0 && age < 3600 * 24, String(age));
  const later = await eventually(() => {
    const now = processAge(stat) ?? 0;
    return now > age && now;
  });
  assert.ok(later - age < 60);
});
