import assert from "node:assert/strict";
import fc from "fast-check";
import { isCode } from "../../../lib/base/errors.ts";
import { loadLibc } from "../../../lib/base/libc.ts";
import * as proc from "../../../lib/base/proc.ts";
import { needsRoot, test } from "../../support/test.ts";
import { temporaryDirectory } from "./directories.ts";
import { FakeClock } from "./fake_clock.ts";
import { eventually, identityOf, running } from "./processes.ts";

loadLibc();

const line =
  "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 987654321012 1000 2 18446744073709551615";

test("parseStat() finds the fields behind a name with spaces and brackets", () => {
  assert.deepEqual(proc.parseStat(line), {
    pid: 4711,
    command: "a) b (c",
    state: "S",
    parent: 1,
    flags: 4194560,
    threads: 3,
    startTime: 987654321012n,
  });
  assert.equal(proc.parseStat("1 () R 0 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 5 0").command, "");
  assert.equal(proc.parseStat("1 (\n) R 0 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 5 0").command, "\n");
});

test("parseStat() gives the fields or data_loss for any text", () => {
  const cut = fc.nat({ max: line.length }).map((length) => line.slice(0, length));
  fc.assert(fc.property(fc.oneof(fc.string(), cut, fc.string().map((x) => `1 (${x}) ${x}`)), (text) => {
    try {
      assert.ok(proc.parseStat(text).startTime >= 0n);
    } catch (error) {
      assert.ok(isCode(error, "data_loss"));
    }
  }));
});

test("readIdentity() knows this process", async () => {
  const identity = await proc.readIdentity(Deno.pid);
  assert.equal(identity?.pid, Deno.pid);
  assert.equal(identity?.executable, await Deno.realPath(Deno.execPath()));
  assert.ok(identity && await proc.isSame(identity));
  assert.match(proc.processState(Deno.pid) ?? "", /^[RS]$/);
});

test("S09 numbers that are no pid are no process", async () => {
  for (const pid of [0, -1, 1.5, NaN, Infinity, 4_000_000_000, 2 ** 32 + Deno.pid, 2 ** 53]) {
    assert.equal(await proc.readIdentity(pid), undefined, String(pid));
    assert.equal(proc.processState(pid), undefined);
    assert.equal(await proc.signalProcess({ pid, startTime: 1n, executable: "" }, "KILL"), false);
  }
});

test("a program whose name has spaces and brackets is read right", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/a) R 1 (b`;
  await Deno.copyFile("/bin/sleep", path);
  await using child = running(path, ["300"]);
  const identity = await identityOf(child.pid, path);
  assert.equal(identity.executable, path);
  assert.equal(proc.readStat(child.pid)?.command, "a) R 1 (b");
  assert.equal(proc.readStat(child.pid)?.parent, Deno.pid);
});

test("a program file that was replaced is still the same executable", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/daemon`;
  await Deno.copyFile("/bin/sleep", path);
  await using child = running(path, ["300"]);
  const before = await identityOf(child.pid, path);
  await Deno.remove(path);
  assert.match(await Deno.readLink(`/proc/${child.pid}/exe`), / \(deleted\)$/);
  assert.deepEqual(await proc.readIdentity(child.pid), before);
  assert.equal(await proc.isSame(before), true);
  assert.equal(await proc.isSame({ ...before, executable: `${path} (deleted)` }), true);
});

test("S07 another start time or executable is another process, and gets no signal", async () => {
  await using child = running("sleep", ["300"]);
  const identity = await identityOf(child.pid, "/usr/bin/sleep", "/bin/sleep");
  const strangers = [
    { ...identity, startTime: identity.startTime + 1n },
    { ...identity, executable: "/usr/bin/containerd" },
    { ...identity, executable: "" },
  ];
  for (const stranger of strangers) {
    assert.equal(await proc.isSame(stranger), false);
    assert.equal(await proc.signalProcess(stranger, "KILL"), false);
  }
  assert.equal(await proc.isSame(identity), true, "it has not been signalled");
});

test("signalProcess() signals by name, by number, and asks with 0; false when the process is gone", async () => {
  await using child = running("sleep", ["300"]);
  const identity = await identityOf(child.pid, "/usr/bin/sleep", "/bin/sleep");
  assert.equal(await proc.signalProcess(identity, 0), true);
  assert.equal(await proc.signalProcess(identity, "0"), true);
  assert.equal(await proc.signalProcess(identity, "STOP"), true);
  await eventually(() => proc.processState(child.pid) === "T");
  assert.equal(await proc.isSame(identity), true);
  assert.equal(await proc.signalProcess(identity, "SIGCONT"), true);
  assert.equal(await proc.signalProcess(identity, "15"), true);
  assert.equal((await child.status).signal, "SIGTERM");
  assert.equal(await proc.signalProcess(identity, "TERM"), false);
  await assert.rejects(proc.signalProcess(identity, "TREM"), (error) => isCode(error, "invalid_argument"));
});

test("signalProcess() of another user's process is permission_denied", { skip: needsRoot() }, async () => {
  const program = new URL("./fixtures/signal_once.ts", import.meta.url).pathname;
  await using child = running("sleep", ["300"]);
  const identity = await identityOf(child.pid, "/usr/bin/sleep", "/bin/sleep");
  await using directory = await temporaryDirectory();
  await Deno.chmod(directory.path, 0o777);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program, String(identity.pid), String(identity.startTime)],
    env: { DENO_DIR: directory.path },
    uid: 65534,
    gid: 65534,
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "executable= permission_denied");
  assert.equal(await proc.isSame(identity), true);
});

test("S09 a zombie is dead", async () => {
  // The shell turns into a sleep that does not know of the child it got before, so the child stays a zombie.
  await using child = running("sh", ["-c", "sleep 0 & exec sleep 300"]);
  const [zombie] = await eventually(async () => {
    const found = await proc.children(child.pid);
    return found.some((pid) => proc.processState(pid) === "Z") && found;
  });
  assert.ok(zombie !== undefined);
  assert.equal(await proc.readIdentity(zombie), undefined);
  const stat = proc.readStat(zombie);
  assert.ok(stat);
  const identity = { pid: zombie, startTime: stat.startTime, executable: await Deno.realPath("/bin/sleep") };
  assert.equal(await proc.isSame(identity), false);
  assert.equal(await proc.signalProcess(identity, "KILL"), false);
  await proc.waitForEnd(identity, { clock: new FakeClock() });
});

test("a zombie leader whose threads live on has not ended yet", { skip: await needsPython() }, async () => {
  const code = "import ctypes,threading,time\nthreading.Thread(target=time.sleep,args=(300,)).start()\n" +
    "ctypes.CDLL(None).pthread_exit(None)";
  await using child = running("python3", ["-c", code]);
  const stat = await eventually(() => {
    const now = proc.readStat(child.pid);
    return now?.state === "Z" && now;
  });
  const controller = new AbortController();
  let ended = false;
  const end = proc.waitForEnd({ pid: child.pid, startTime: stat.startTime, executable: "" }, controller)
    .finally(() => ended = true);
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(ended, false);
  child.kill("SIGKILL");
  await end;
});

test("waitForEnd() resolves when the process ends, looking less and less often", async () => {
  await using child = running("sleep", ["300"]);
  const identity = await identityOf(child.pid, "/usr/bin/sleep", "/bin/sleep");
  const clock = new FakeClock();
  const end = proc.waitForEnd(identity, { clock });
  await eventually(() => clock.sleeps.length > 10);
  child.kill("SIGKILL");
  await end;
  assert.deepEqual(clock.sleeps.slice(0, 3), [5, 7.5, 11.25]);
  assert.equal(Math.max(...clock.sleeps), 50);
  await proc.waitForEnd(identity, { clock });
});

test("waitForEnd() ends when its signal is aborted", async () => {
  const identity = await proc.readIdentity(Deno.pid);
  assert.ok(identity);
  const controller = new AbortController();
  const end = proc.waitForEnd(identity, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(end, /enough/);
});

test("readIdentity() is never wrong about processes that come and go", async () => {
  const truth = await Deno.realPath("/bin/true");
  for (let i = 0; i < 50; i++) {
    const child = new Deno.Command("true", { stdin: "null", stdout: "null" }).spawn();
    for (let look = 0; look < 20; look++) {
      const identity = await proc.readIdentity(child.pid);
      // Between fork and exec it still is what forked it.
      if (identity) assert.ok([truth, await Deno.realPath(Deno.execPath())].includes(identity.executable));
    }
    await child.status;
  }
});

test(
  "kernel threads have no executable",
  { skip: kernelThread() === undefined ? "none in sight" : undefined },
  async () => {
    const pid = kernelThread() ?? 0;
    assert.equal((await proc.readIdentity(pid))?.executable, "");
  },
);

test("children() lists the children of a process", async () => {
  await using child = running("sh", ["-c", "sleep 300 & sleep 300 & wait"]);
  const found = await eventually(async () => {
    const pids = await proc.children(child.pid);
    return pids.length === 2 && pids;
  });
  try {
    assert.ok((await proc.children(Deno.pid)).includes(child.pid));
    assert.deepEqual(found.map((pid) => proc.readStat(pid)?.parent), [child.pid, child.pid]);
    assert.deepEqual(await proc.children(4_000_000_000), []);
  } finally {
    for (const pid of found) Deno.kill(pid, "SIGKILL");
  }
});

test("bootId() is a uuid that stays the same", async () => {
  assert.match(await proc.bootId(), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(await proc.bootId(), await proc.bootId());
});

function kernelThread(): number | undefined {
  for (const entry of Deno.readDirSync("/proc")) {
    const stat = /^[0-9]+$/.test(entry.name) ? proc.readStat(Number(entry.name)) : undefined;
    if (stat && (stat.flags & 0x20_0000) !== 0) return stat.pid;
  }
  return undefined;
}

async function needsPython(): Promise<string | undefined> {
  try {
    await new Deno.Command("python3", { args: ["--version"], stdout: "null" }).output();
    return undefined;
  } catch {
    return "needs python3";
  }
}
