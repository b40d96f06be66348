import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import type { Progress } from "../../../lib/supervisor/progress.ts";
import { awaitReady, type Ready } from "../../../lib/supervisor/readiness.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";
import { type FakeAnswers, fakeProbe, goodAnswers } from "./fake_probe.ts";

interface Start {
  readonly clock: FakeClock;
  readonly answers: FakeAnswers;
  readonly stop: AbortController;
  socket: boolean;
  progress: Progress;
  /** `pending`, what came, or what was thrown. */
  result: Ready | Error | "pending";
}

/** A start with a timeout of one second. */
function start(options: { readonly cri?: boolean; readonly socket?: boolean } = {}): Start {
  const clock = new FakeClock();
  const answers = goodAnswers();
  const stop = new AbortController();
  const state: Start = {
    clock,
    answers,
    stop,
    socket: options.socket ?? true,
    progress: { cpuTicks: 0, diskBytes: 0, logBytes: 0 },
    result: "pending",
  };
  awaitReady({
    connect: () => Promise.resolve(fakeProbe(answers, clock)),
    clock,
    signal: stop.signal,
    startTimeoutMs: 1000,
    questionMs: 300,
    cri: options.cri ?? false,
    progress: () => state.progress,
    hasSocket: () => state.socket,
  }).then((ready) => state.result = ready, (error) => state.result = error);
  return state;
}

test("S04 ready is when the health service says SERVING and all plugins work", async () => {
  const started = start();
  await started.clock.advance(0);
  assert.ok(typeof started.result === "object" && "version" in started.result);
  assert.equal(started.result.version, "1.7.99");
  assert.deepEqual([started.answers.opened, started.answers.open], [1, 1]);
});

test("S04 not ready: no socket, refused, NOT_SERVING, no answer; each is tried again", async () => {
  const started = start({ socket: false });
  const steps: readonly (() => void)[] = [
    () => {},
    () => [started.socket, started.answers.refuses] = [true, true],
    () => [started.answers.refuses, started.answers.serving] = [false, false],
    () => [started.answers.serving, started.answers.delayMs] = [true, Infinity],
  ];
  for (const step of steps) {
    step();
    await started.clock.advance(100);
    assert.equal(started.result, "pending");
  }
  assert.equal(started.answers.open, 1, "only the connection of the question that is under way");
  started.answers.delayMs = 0;
  await started.clock.advance(500);
  assert.ok(typeof started.result === "object" && "version" in started.result, String(started.result));
  assert.equal(started.answers.open, 1);
});

test("S04 a required plugin in error ends the start at once and says why", async () => {
  const started = start();
  started.answers.plugins = [
    ...started.answers.plugins,
    { type: "io.containerd.metadata.v1", id: "bolt", initError: { message: "timeout" } },
  ];
  await started.clock.advance(0);
  assert.ok(isCode(started.result, "failed_precondition"));
  assert.match(started.result.message, /plugin io\.containerd\.metadata\.v1\.bolt failed: timeout/);
  assert.equal(started.answers.open, 0);
});

test("S06 without progress the start timeout ends the start and says what was missing", async () => {
  const started = start({ socket: false });
  await started.clock.advance(900);
  assert.equal(started.result, "pending");
  await started.clock.advance(200);
  assert.ok(isCode(started.result, "deadline_exceeded"));
  assert.match(started.result.message, /its socket has not appeared/);
  assert.match(started.result.hint ?? "", /no progress was seen for 1000 ms; --start-timeout/);
});

test("S06 the start timeout is not spent while the child makes progress of any kind", async () => {
  const started = start({ socket: false });
  const kinds: readonly (keyof Progress)[] = ["cpuTicks", "diskBytes", "logBytes"];
  for (let step = 0; step < 9; step++) {
    await started.clock.advance(900);
    assert.equal(started.result, "pending", `after ${step}`);
    const kind = kinds[step % 3] ?? "logBytes";
    started.progress = { ...started.progress, [kind]: started.progress[kind] + 10 };
  }
  started.socket = true;
  await started.clock.advance(100);
  assert.ok(typeof started.result === "object" && "version" in started.result);
});

test("S06 the few ticks of an idle program are no progress", async () => {
  const started = start({ socket: false });
  for (let step = 0; step < 12; step++) {
    started.progress = { ...started.progress, cpuTicks: Math.min(2, step) };
    await started.clock.advance(100);
  }
  assert.ok(isCode(started.result, "deadline_exceeded"));
});

test("S06 ten start timeouts are the limit, however busy the child is", async () => {
  const started = start({ socket: false });
  for (let step = 0; step < 25; step++) {
    started.progress = { ...started.progress, cpuTicks: started.progress.cpuTicks + 50 };
    await started.clock.advance(500);
  }
  assert.ok(isCode(started.result, "deadline_exceeded"));
  assert.match(started.result.message, /busy and still not ready after 10\d{3} ms/);
});

test("S06 time in which gantry itself did not run is not the child's", async () => {
  const started = start({ socket: false });
  await started.clock.advance(500);
  await started.clock.stall(60_000);
  assert.equal(started.result, "pending");
  started.socket = true;
  await started.clock.advance(200);
  assert.ok(typeof started.result === "object" && "version" in started.result);
});

test("waiting ends with its signal and leaves nothing open", async () => {
  const started = start();
  started.answers.delayMs = Infinity;
  await started.clock.advance(100);
  started.stop.abort(new Error("enough"));
  await started.clock.advance(0);
  assert.ok(started.result instanceof Error);
  assert.equal(started.result.message, "enough");
  assert.deepEqual([started.answers.open, started.clock.sleepers], [0, 0]);
});
