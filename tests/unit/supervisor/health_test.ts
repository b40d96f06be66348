import assert from "node:assert/strict";
import { watchHealth } from "../../../lib/supervisor/health.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";
import { type FakeAnswers, fakeProbe, goodAnswers } from "./fake_probe.ts";

interface Watch extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly answers: FakeAnswers;
  /** What was reported: `ok` or the failure. */
  readonly reports: string[];
  readonly disregarded: string[];
  socket: boolean;
}

/** Checks every second, at most half a second each. */
function watch(): Watch {
  const clock = new FakeClock();
  const answers = goodAnswers();
  const stop = new AbortController();
  const state: Watch = {
    clock,
    answers,
    reports: [],
    disregarded: [],
    socket: true,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
      assert.equal(answers.open, 0, "no connection stays open");
      assert.equal(clock.sleepers, 0);
    },
  };
  const connect = () => Promise.resolve(fakeProbe(answers, clock));
  const done = watchHealth(fakeProbe(answers, clock), {
    clock,
    signal: stop.signal,
    intervalMs: 1000,
    timeoutMs: 500,
    connect,
    hasSocket: () => state.socket,
    report: (failure) => state.reports.push(failure ?? "ok"),
    disregarded: (failure) => state.disregarded.push(failure),
  });
  return state;
}

test("S13 health is checked for life, once an interval, on one connection", async () => {
  await using watched = watch();
  await watched.clock.advance(10_000);
  assert.deepEqual(watched.reports, Array(10).fill("ok"));
  assert.equal(watched.answers.opened, 1);
});

test("S13 a daemon that is merely slow passes every check", async () => {
  await using watched = watch();
  watched.answers.delayMs = 499;
  await watched.clock.advance(10_000);
  assert.equal(watched.reports.length, 9);
  assert.deepEqual(new Set(watched.reports), new Set(["ok"]));
});

test("S13 a daemon that does not answer fails a check an interval, each on a new connection", async () => {
  await using watched = watch();
  watched.answers.delayMs = Infinity;
  await watched.clock.advance(1000);
  assert.deepEqual(watched.reports, []);
  await watched.clock.advance(500);
  assert.deepEqual(watched.reports, ["a health check took longer than 500 ms"]);
  await watched.clock.advance(2000);
  assert.equal(watched.reports.length, 3, "three failures within three intervals of the first check");
  assert.equal(watched.answers.opened, 3);
  watched.answers.delayMs = 0;
  await watched.clock.advance(1000);
  assert.equal(watched.reports.at(-1), "ok");
});

test("S13 NOT_SERVING, a refused connection and a removed socket are failures", async () => {
  await using watched = watch();
  watched.answers.serving = false;
  await watched.clock.advance(1000);
  watched.answers.serving = true;
  watched.answers.refuses = true;
  await watched.clock.advance(1000);
  watched.answers.refuses = false;
  watched.socket = false;
  await watched.clock.advance(1000);
  assert.deepEqual(watched.reports, [
    "its health service does not say SERVING",
    "connection refused",
    "its socket has been removed",
  ]);
});

test("S13 a check does not count when gantry itself did not get to run", async () => {
  await using watched = watch();
  watched.answers.delayMs = Infinity;
  await watched.clock.advance(1000);
  await watched.clock.stall(30_000);
  await watched.clock.advance(999);
  assert.deepEqual(watched.reports, []);
  assert.equal(watched.disregarded.length, 1);
  watched.answers.delayMs = 0;
  await watched.clock.advance(2000);
  assert.equal(watched.reports.at(-1), "ok");
});

test("S13 a check does not count after the machine was suspended", async () => {
  await using watched = watch();
  await watched.clock.advance(500);
  watched.clock.suspend(3_600_000);
  watched.answers.delayMs = Infinity;
  await watched.clock.advance(1000);
  assert.deepEqual(watched.reports, []);
  assert.equal(watched.disregarded.length, 1);
  await watched.clock.advance(1500);
  assert.equal(watched.reports.length, 1);
});
