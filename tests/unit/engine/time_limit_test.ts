import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import type { Engine } from "../../../lib/engine/engine.ts";
import { TimeLimit } from "../../../lib/engine/time_limit.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";

/** An engine that records whom it kills, and answers with these errors first. */
function killer(errors: readonly GantryError[] = []): Pick<Engine, "kill"> & { readonly calls: unknown[] } {
  const left = [...errors];
  const calls: unknown[] = [];
  return {
    calls,
    kill(process, request) {
      calls.push([process, request]);
      const error = left.shift();
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    },
  };
}

test("TimeLimit kills every process of the container when its time is over, once", async () => {
  const clock = new FakeClock();
  const engine = killer();
  using limit = new TimeLimit(engine, "web", { ms: 2000, clock });
  await clock.advance(1999);
  assert.deepEqual([engine.calls, limit.isExceeded, limit.leftMs], [[], false, 1]);
  await clock.advance(5000);
  assert.deepEqual(engine.calls, [[{ containerId: "web" }, { signal: 9, all: true }]]);
  assert.deepEqual([limit.isExceeded, limit.leftMs], [true, 0]);
});

test("TimeLimit that is called off kills nobody and leaves no timer", async () => {
  const clock = new FakeClock();
  const engine = killer();
  const limit = new TimeLimit(engine, "web", { ms: 2000, clock });
  limit[Symbol.dispose]();
  await clock.advance(5000);
  assert.deepEqual([engine.calls, limit.isExceeded, clock.sleepers], [[], false, 0]);
});

test("TimeLimit kills again through an outage, until somebody answers", async () => {
  const clock = new FakeClock();
  const away = new GantryError("unavailable", "connection refused");
  const engine = killer([away, away, away]);
  using _limit = new TimeLimit(engine, "web", { ms: 10, clock });
  await clock.advance(10_000);
  assert.equal(engine.calls.length, 4);
});

test("TimeLimit is content with a container that ended this moment", async () => {
  for (const code of ["not_found", "failed_precondition"] as const) {
    const clock = new FakeClock();
    const engine = killer([new GantryError(code, "process already finished")]);
    using _limit = new TimeLimit(engine, "web", { ms: 10, clock });
    await clock.advance(10_000);
    assert.deepEqual([engine.calls.length, clock.sleepers], [1, 0]);
  }
});
