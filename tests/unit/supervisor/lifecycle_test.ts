import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import { setLogWriter } from "../../../lib/base/log.ts";
import { test } from "../../support/test.ts";
import { now, scene, stop } from "./fake_scene.ts";

test("S12 the first restart is immediate", async () => {
  const state = scene();
  await state.clock.advance(3000);
  assert.equal(now(state), "serving");
  await state.die({ signal: "SIGKILL" });
  assert.equal(now(state), "serving");
  assert.equal(state.launches.length, 2);
  assert.equal(state.launches[1], state.clock.monotonic());
  assert.equal(state.lifecycle.restarts, 1);
  assert.equal(state.lifecycle.lastFailure?.reason, "it ended with signal SIGKILL");
  await stop(state);
});

test("S14 in a crash loop the delays grow to a cap", async () => {
  const state = scene();
  await state.clock.advance(100);
  const delays: number[] = [];
  for (let round = 0; round < 10; round++) {
    const before = state.clock.monotonic();
    await state.die({ code: 1 });
    delays.push(state.lifecycle.delayMs);
    await state.clock.advance(state.lifecycle.delayMs);
    assert.equal(now(state), "serving");
    assert.equal(state.clock.monotonic() - before, delays.at(-1));
  }
  assert.deepEqual(delays, [0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  await stop(state);
});

test("S14 each delay is shortened by a random part of at most a quarter", async () => {
  for (const [random, expected] of [[0.5, [0, 438, 875]], [0.9999, [0, 375, 750]]] as const) {
    const state = scene({}, { random: () => random });
    await state.clock.advance(100);
    for (const delay of expected) {
      await state.die({ code: 1 });
      assert.equal(state.lifecycle.delayMs, delay);
      await state.clock.advance(delay);
    }
    await stop(state);
  }
});

test("S14 a stable time makes the next restart immediate again", async () => {
  const state = scene({ stableMs: 10_000 });
  await state.clock.advance(100);
  for (let round = 0; round < 4; round++) {
    await state.die({ code: 1 });
    await state.clock.advance(state.lifecycle.delayMs);
  }
  assert.equal(now(state), "serving");
  await state.clock.advance(9_000);
  await state.die({ code: 1 });
  assert.equal(state.lifecycle.delayMs, 4000, "not yet stable");
  await state.clock.advance(4000);
  await state.clock.advance(10_000);
  await state.die({ code: 1 });
  assert.equal(state.lifecycle.delayMs, 0);
  assert.equal(now(state), "serving");
  await stop(state);
});

test("S14 a restart limit ends it with a report", async () => {
  const state = scene({ restartLimit: 3 });
  await state.clock.advance(100);
  for (let round = 0; round < 3; round++) {
    await state.die({ code: 70 });
    await state.clock.advance(state.lifecycle.delayMs);
    assert.equal(now(state), "serving");
  }
  await state.die({ code: 70 });
  assert.deepEqual(state.ends, [{
    reason: "restart_limit",
    why: "3 restarts in a row did not help: it ended with exit code 70",
  }]);
  assert.equal(state.answers.open, 0);
});

test("S14 a restart that cannot be launched is tried again later", async () => {
  const state = scene();
  await state.clock.advance(100);
  state.launchError = new GantryError("resource_exhausted", "no space");
  await state.die({ code: 1 });
  assert.equal(state.lifecycle.delayMs, 500);
  assert.equal(state.lifecycle.lastFailure?.reason, "no space");
  state.launchError = undefined;
  await state.clock.advance(500);
  assert.equal(now(state), "serving");
  await stop(state);
});

test("S05 a first launch that fails is the end, with its error", async () => {
  const state = scene({}, { launchError: new GantryError("not_found", "no program") });
  await state.clock.advance(0);
  assert.deepEqual(state.ends, [{ reason: "start_failed", why: "no program" }]);
  assert.equal(state.lifecycle.launchError?.code, "not_found");
});

test("S13 a hanging containerd is examined and ended, and a new one serves", async () => {
  const state = scene({ healthFailures: 3 });
  await state.clock.advance(100);
  state.answers.delayMs = Infinity;
  await state.clock.advance(3000);
  assert.equal(now(state), "serving");
  await state.clock.advance(600);
  assert.equal(now(state), "replacing");
  assert.deepEqual(state.examined, ["3 health checks in a row failed: a health check took longer than 500 ms"]);
  state.answers.delayMs = 0;
  await state.die({ signal: "SIGTERM" });
  assert.equal(now(state), "serving");
  assert.equal(state.answers.open, 1);
  await stop(state);
});

test("S13 failed checks that are not in a row end nothing", async () => {
  const state = scene({ healthFailures: 2 });
  await state.clock.advance(100);
  for (let round = 0; round < 10; round++) {
    state.answers.serving = round % 2 === 0;
    await state.clock.advance(1000);
    assert.equal(now(state), "serving");
  }
  assert.equal(state.launches.length, 1);
  await stop(state);
});

test("S10 an adopted containerd that does not answer within the start timeout is replaced by a new one", async () => {
  const state = scene({ startTimeoutMs: 2000 }, { adoptsMute: true });
  await state.clock.advance(1900);
  assert.equal(now(state), "starting");
  await state.clock.advance(200);
  assert.equal(now(state), "replacing");
  state.answers.refuses = false;
  await state.die({});
  assert.equal(now(state), "serving");
  assert.deepEqual(state.ends, []);
  assert.equal(state.launches.length, 2);
  await stop(state);
});

test("S12 what is to be done before a restart is awaited, and no longer than its time", async () => {
  let begun = 0;
  const release = Promise.withResolvers<void>();
  const state = scene({}, {
    beforeRestart: () => {
      begun++;
      return release.promise;
    },
  });
  await state.clock.advance(100);
  await state.die({ code: 1 });
  assert.deepEqual([begun, state.launches.length], [1, 1]);
  release.resolve();
  await state.clock.advance(0);
  assert.equal(now(state), "serving");
  await stop(state);

  const hanging = scene({}, { beforeRestart: () => new Promise(() => {}), beforeRestartMs: 700 });
  await hanging.clock.advance(100);
  await hanging.die({ code: 1 });
  await hanging.clock.advance(699);
  assert.equal(hanging.launches.length, 1);
  await hanging.clock.advance(1);
  assert.equal(now(hanging), "serving");
  await stop(hanging);
});

test("S15 a stop while the next start is waited for ends at once", async () => {
  const state = scene();
  await state.clock.advance(100);
  for (let round = 0; round < 3; round++) {
    await state.die({ code: 1 });
    if (round < 2) await state.clock.advance(state.lifecycle.delayMs);
  }
  assert.equal(now(state), "recovering");
  state.lifecycle.dispatch({ type: "stop" });
  await state.clock.advance(0);
  assert.deepEqual(state.ends, [{ reason: "stopped" }]);
  assert.equal(state.clock.sleepers, 0);
});

test("an end that was asked for is no failure", async () => {
  const state = scene();
  await state.clock.advance(100);
  await stop(state);
  assert.equal(state.lifecycle.lastFailure, undefined);
});

test("a mistake inside an effect is logged and does not end the process", async () => {
  const said: string[] = [];
  setLogWriter((_category, level, message) => void said.push(`${level} ${message}`));
  try {
    const state = scene({}, {
      examine: () => Promise.reject(new TypeError("a mistake")),
    });
    await state.clock.advance(100);
    state.answers.delayMs = Infinity;
    await state.clock.advance(4000);
    assert.ok(said.includes("error internal error"));
    await state.die({ code: 1 });
  } finally {
    setLogWriter(undefined);
  }
});
