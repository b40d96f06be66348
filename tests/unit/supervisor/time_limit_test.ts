import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { runProgram } from "../../../lib/supervisor/run_program.ts";
import { settlesWithin, within } from "../../../lib/supervisor/time_limit.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";
import { eventually } from "../base/processes.ts";
import { place } from "./temporary.ts";

test("within() gives the result of a task in time, and its failure", async () => {
  const clock = new FakeClock();
  const limit = { clock, ms: 100, what: "it" };
  assert.equal(await within(limit, () => Promise.resolve(7)), 7);
  await assert.rejects(within(limit, () => Promise.reject(new RangeError("no"))), RangeError);
  await assert.rejects(
    within(limit, () => {
      throw new RangeError("at once");
    }),
    RangeError,
  );
  assert.equal(clock.sleepers, 0);
});

test("within() fails when the time is over and tells the task to end", async () => {
  const clock = new FakeClock();
  let told: unknown;
  const waiting = within({ clock, ms: 100, what: "the answer" }, (signal) => {
    signal.addEventListener("abort", () => told = signal.reason);
    return new Promise<void>(() => {});
  });
  const checked = assert.rejects(waiting, (error) => {
    assert.ok(isCode(error, "deadline_exceeded"));
    return error.message === "the answer took longer than 100 ms";
  });
  await clock.advance(100);
  await checked;
  assert.ok(isCode(told, "deadline_exceeded"));
});

test("within() ends with its caller's signal, before and while it waits", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const waiting = within({ clock, ms: 100, what: "it", signal: stop.signal }, () => new Promise<void>(() => {}));
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(within({ clock, ms: 100, what: "it", signal: stop.signal }, () => Promise.resolve()), /enough/);
  assert.equal(clock.sleepers, 0);
});

test("settlesWithin() counts a failure as settled", async () => {
  const clock = new FakeClock();
  assert.equal(await settlesWithin(Promise.resolve(), { clock, ms: 10 }), true);
  assert.equal(await settlesWithin(Promise.reject(new Error("x")), { clock, ms: 10 }), true);
  const never = settlesWithin(new Promise(() => {}), { clock, ms: 10 });
  await clock.advance(10);
  assert.equal(await never, false);
});

test("runProgram() gives what a program printed and how it ended", async () => {
  const result = await runProgram("/bin/sh", { args: ["-c", "echo out; echo err >&2; exit 3"], timeoutMs: 10_000 });
  assert.deepEqual(result, { code: 3, signal: undefined, stdout: "out\n", stderr: "err\n" });
  const killed = await runProgram("/bin/sh", { args: ["-c", "kill -9 $$"], timeoutMs: 10_000 });
  assert.equal(killed.signal, "SIGKILL");
});

test("runProgram() keeps the beginning of endless output", async () => {
  const { stdout } = await runProgram("/bin/sh", { args: ["-c", "head -c 8000000 /dev/zero"], timeoutMs: 30_000 });
  assert.ok(stdout.length <= 4 << 20);
});

test("runProgram() kills a program that does not end, together with its children", async () => {
  await using here = await place();
  const script = `echo $$ > ${here.path}/pid; sleep 1000 & sleep 1000`;
  await assert.rejects(runProgram("/bin/sh", { args: ["-c", script], timeoutMs: 300 }), (error) => {
    return isCode(error, "deadline_exceeded") && /did not end within 300 ms/.test(error.message);
  });
  const leader = (await Deno.readTextFile(`${here.path}/pid`)).trim();
  // No process of that group is left but, for an instant, zombies.
  await eventually(() => groupOf(leader).length === 0);
});

test("runProgram() says why a program cannot be run", async () => {
  await assert.rejects(runProgram("/nowhere/x", { args: [], timeoutMs: 10 }), (error) => {
    return isCode(error, "not_found") && error.message.includes("/nowhere/x");
  });
});

function groupOf(leader: string): string[] {
  const members: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (group === leader && state !== "Z") members.push(name);
    } catch {
      // It has ended.
    }
  }
  return members;
}
