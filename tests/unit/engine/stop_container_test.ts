import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import { stopContainer, type StopOptions, stopSignalOf, stopTimeoutOf } from "../../../lib/engine/stop_container.ts";
import type { ExitStatus } from "../../../lib/wire/task.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";
import { FakeLife } from "./fake_life.ts";

const SIGTERM = 15;

/** A stop that has gone as far as it goes without time passing. */
async function stopping(
  life: FakeLife,
  options: StopOptions = {},
): Promise<{ readonly clock: FakeClock; readonly end: Promise<ExitStatus | undefined> }> {
  const clock = new FakeClock();
  const end = stopContainer(life, "c", { clock, ...options });
  end.catch(() => {});
  await settle();
  return { clock, end };
}

test("T09 the wait is on the wire before the signal, and one that ends on it gets no KILL", async () => {
  const life = new FakeLife("running");
  life.mortal.add(SIGTERM);
  const { clock, end } = await stopping(life);
  assert.equal((await end)?.code, 143);
  assert.deepEqual(life.calls, ["record", "state", "wait", "kill 15"]);
  assert.equal(clock.sleepers, 0);
});

test("T09 one that is deaf is killed after ten seconds, all its processes", async () => {
  const life = new FakeLife("running");
  const { clock, end } = await stopping(life);
  await clock.advance(9999);
  assert.deepEqual(life.calls.slice(2), ["wait", "kill 15"]);
  await clock.advance(1);
  assert.equal((await end)?.code, 137);
  assert.deepEqual(life.calls.slice(4), ["state", "kill 9 all"]);
});

test("T09 signal and grace are those given, else those it was made with, else those of its image", async () => {
  const life = new FakeLife("running");
  life.labels = { "gantry/stop-signal": "SIGQUIT", "gantry/stop-timeout": "3" };
  const { clock } = await stopping(life);
  assert.equal(life.calls.at(-1), "kill 3");
  await clock.advance(3000);
  assert.equal(life.calls.at(-1), "kill 9 all");

  const other = new FakeLife("running");
  other.labels = life.labels;
  const given = await stopping(other, { stopSignal: "INT", timeoutMs: 50 });
  assert.equal(other.calls.at(-1), "kill 2");
  await given.clock.advance(50);
  assert.equal(other.calls.at(-1), "kill 9 all");

  assert.equal(stopSignalOf({ "io.containerd.image.config.stop-signal": "SIGWINCH" }), 28);
  assert.equal(stopSignalOf({ "gantry/stop-signal": "RTMIN+3" }), 37);
});

test("T09 labels that others have spoilt count as absent", () => {
  assert.equal(stopSignalOf({ "gantry/stop-signal": "NOPE" }), SIGTERM);
  for (const text of ["", "soon", "1.5", "0x10"]) assert.equal(stopTimeoutOf({ "gantry/stop-timeout": text }), 10_000);
  assert.equal(stopTimeoutOf({ "gantry/stop-timeout": "0" }), 0);
});

test("T09 a timeout of -1 never kills", async () => {
  const life = new FakeLife("running");
  life.labels = { "gantry/stop-timeout": "-1" };
  const { clock, end } = await stopping(life);
  await clock.advance(20_000_000);
  assert.equal(life.calls.at(-1), "kill 15");
  life.end(0);
  assert.equal((await end)?.code, 0);
});

test("T09 one that does not run is no error; one that does not exist is", async () => {
  for (const status of [undefined, "stopped", "created"] as const) {
    const life = new FakeLife(status);
    assert.equal(await (await stopping(life)).end, undefined);
    assert.deepEqual(life.calls, ["record", "state"]);
  }
  const life = new FakeLife();
  life.vanish();
  await assert.rejects((await stopping(life)).end, { code: "not_found" });
});

test("T09 a paused one goes on after the signal, which would stay pending", async () => {
  const life = new FakeLife("paused");
  life.mortal.add(SIGTERM);
  assert.equal((await (await stopping(life)).end)?.code, 143);
  assert.deepEqual(life.calls.slice(2), ["wait", "kill 15", "resume"]);
});

test("T09 one that is paused in the grace, or ends while it is resumed, ends all the same", async () => {
  const life = new FakeLife("running");
  const { clock, end } = await stopping(life);
  life.status = "paused";
  await clock.advance(10_000);
  assert.equal((await end)?.code, 137);
  assert.deepEqual(life.calls.slice(4), ["state", "kill 9 all", "resume"]);

  const thawed = new FakeLife("paused");
  thawed.failures.set("resume", new GantryError("unknown", "cannot resume a stopped container"));
  const other = await stopping(thawed);
  thawed.end(143);
  assert.equal((await other.end)?.code, 143);
});

test("T09 one that ends between two calls is no error", async () => {
  const life = new FakeLife("running");
  life.failures.set("kill", new GantryError("not_found", "process already finished"));
  const { end } = await stopping(life);
  life.end(5);
  assert.equal((await end)?.code, 5);

  const gone = new FakeLife("running");
  gone.failures.set("kill", new GantryError("not_found", "no task"));
  gone.failures.set("wait", new GantryError("not_found", "no task"));
  assert.equal(await (await stopping(gone)).end, undefined);
});

test("T09 a shim that takes no signal is told with the way out", async () => {
  const life = new FakeLife("unknown");
  life.failures.set("kill", new GantryError("deadline_exceeded", "took too long"));
  await assert.rejects((await stopping(life)).end, { code: "deadline_exceeded", hint: /gantry rm -f c/ });
});

test("T09 one that not even KILL ends is an error", async () => {
  const life = new FakeLife("running");
  life.mortal.clear();
  const { clock, end } = await stopping(life);
  await clock.advance(20_000);
  await assert.rejects(end, { code: "deadline_exceeded", message: /did not end within 10000 ms of KILL/ });
  assert.equal(clock.sleepers, 0);
});

test("T09 an abort ends the stopping and sends nothing more", async () => {
  const life = new FakeLife("running");
  const aborter = new AbortController();
  const { clock, end } = await stopping(life, { signal: aborter.signal });
  aborter.abort(new GantryError("cancelled", "enough"));
  await assert.rejects(end, { code: "cancelled" });
  await clock.advance(20_000);
  assert.equal(life.calls.at(-1), "kill 15");
});

test("T09 a signal that is none is refused before anything is sent", async () => {
  const life = new FakeLife("running");
  await assert.rejects((await stopping(life, { stopSignal: "TREM" })).end, { code: "invalid_argument", hint: /TERM/ });
  assert.ok(!life.calls.some((call) => call.startsWith("kill")));
});
