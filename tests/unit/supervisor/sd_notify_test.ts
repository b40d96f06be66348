import assert from "node:assert/strict";
import { ServiceNotifier } from "../../../lib/daemon/sd_notify.ts";
import { statusSentence } from "../../../lib/daemon/up.ts";
import { Wellness } from "../../../lib/daemon/wellness.ts";
import { setLogWriter } from "../../../lib/base/log.ts";
import { defaultOptions } from "../../../lib/supervisor/options.ts";
import { downStatus } from "../../../lib/supervisor/status.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";
import { datagramReceiver } from "../base/datagram_receiver.ts";
import { place } from "./temporary.ts";

test("S21 READY, STATUS and STOPPING go to NOTIFY_SOCKET, a path or an abstract name", async () => {
  await using here = await place();
  for (const socket of [`${here.path}/notify`, `@gantry-test-${Deno.pid}`]) {
    using receiver = datagramReceiver(socket);
    const notifier = new ServiceNotifier({ NOTIFY_SOCKET: socket });
    notifier.ready("serving\nwell");
    assert.equal(receiver.receive(), "READY=1\nSTATUS=serving well");
    notifier.status("unhealthy");
    assert.equal(receiver.receive(), "STATUS=unhealthy");
    notifier.stopping("bye");
    assert.equal(receiver.receive(), "STOPPING=1\nSTATUS=bye");
    assert.equal(receiver.receive(), undefined);
  }
});

test("S21 without NOTIFY_SOCKET nothing is said, and a dead one is one warning", () => {
  const said: string[] = [];
  setLogWriter((_category, level, message) => void said.push(`${level} ${message}`));
  try {
    const silent = new ServiceNotifier({ WATCHDOG_USEC: "1000000" });
    silent.ready("x");
    assert.equal(silent.watchdogMs, undefined);
    assert.deepEqual(said, []);
    const dead = new ServiceNotifier({ NOTIFY_SOCKET: "/nowhere/notify" });
    dead.ready("x");
    dead.status("y");
    assert.deepEqual(said, ["warning cannot notify the service manager"]);
  } finally {
    setLogWriter(undefined);
  }
});

test("S21 WATCHDOG is said twice in its time, while gantry is well", async () => {
  await using here = await place();
  using receiver = datagramReceiver(`${here.path}/notify`);
  const clock = new FakeClock();
  const stop = new AbortController();
  const notifier = new ServiceNotifier({ NOTIFY_SOCKET: `${here.path}/notify`, WATCHDOG_USEC: "4000000" });
  assert.equal(notifier.watchdogMs, 2000);
  let well = true;
  const done = notifier.watchdog(() => well, { clock, signal: stop.signal });
  const count = (): number => {
    let messages = 0;
    while (receiver.receive() === "WATCHDOG=1") messages++;
    return messages;
  };
  await clock.advance(8000);
  assert.equal(count(), 5);
  well = false;
  await clock.advance(8000);
  assert.equal(count(), 0);
  well = true;
  await clock.advance(2000);
  assert.equal(count(), 1);
  stop.abort();
  await done;
});

test("S21 a watchdog that is meant for another process, or makes no sense, is none", () => {
  const ms = (env: Record<string, string>): number | undefined =>
    new ServiceNotifier({ NOTIFY_SOCKET: "/x", ...env }).watchdogMs;
  assert.equal(ms({ WATCHDOG_USEC: "1000000", WATCHDOG_PID: "1" }), undefined);
  assert.equal(ms({ WATCHDOG_USEC: "1000000", WATCHDOG_PID: String(Deno.pid) }), 500);
  for (const usec of ["", "0", "-5", "x", "1.5"]) assert.equal(ms({ WATCHDOG_USEC: usec }), undefined);
});

test("S21 gantry is well while it serves or is on the way within the limits of each step", () => {
  const clock = new FakeClock();
  const wellness = new Wellness({ ...defaultOptions, startTimeoutMs: 1000, stopTimeoutMs: 1000 }, clock);
  return (async () => {
    for (const state of ["starting", "restarting", "unhealthy", "stopping", "failing"] as const) {
      wellness.note("serving");
      await clock.advance(1_000_000);
      assert.equal(wellness.isWell(), true);
      wellness.note(state);
      await clock.advance(10_000);
      wellness.note(state);
      assert.equal(wellness.isWell(), true, state);
      await clock.advance(100_000);
      assert.equal(wellness.isWell(), false, state);
    }
  })();
});

test("S22 a status is one sentence", async () => {
  await using here = await place();
  const down = downStatus(here.paths);
  assert.equal(statusSentence(down), "down");
  const serving = {
    ...down,
    state: "serving",
    version: "1.7.24",
    containerdPid: 7,
    restarts: 2,
    adopted: true,
  } as const;
  assert.equal(statusSentence(serving), "serving: containerd 1.7.24 pid 7, adopted, restarted 2 times");
  const failing = { ...down, state: "failing", lastFailure: { at: "x", reason: "exit code 1" } } as const;
  assert.equal(statusSentence(failing), "failing, exit code 1");
});
