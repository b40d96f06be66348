import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import { endExec, type ExecCalls } from "../../../lib/engine/exec_end.ts";
import { test } from "../../support/test.ts";

const ref = { containerId: "c", execId: "e" };
const options = { clock: systemClock, withinMs: 5000 };
const running = new GantryError("unknown", "cannot delete a running process: unknown");
const away = new GantryError("unavailable", "nobody answers");

/** A runtime whose calls have these outcomes in turn; the last one of each stays. */
class FakeCalls implements ExecCalls {
  readonly calls: string[] = [];
  readonly #outcomes: Readonly<Record<string, readonly (GantryError | undefined)[]>>;

  constructor(outcomes: Readonly<Record<string, readonly (GantryError | undefined)[]>>) {
    this.#outcomes = outcomes;
  }

  deleteExec(): Promise<void> {
    return this.#answer("delete");
  }

  kill(): Promise<void> {
    return this.#answer("kill");
  }

  async wait(): ReturnType<ExecCalls["wait"]> {
    await this.#answer("wait");
    return { code: 137, exitedAt: 1, exact: true };
  }

  #answer(call: string): Promise<void> {
    const made = this.calls.filter((one) => one === call).length;
    this.calls.push(call);
    const outcomes = this.#outcomes[call] ?? [];
    const failure = outcomes[Math.min(made, outcomes.length - 1)];
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  }
}

test("an exec that has ended, or never ran, is freed by one call", async () => {
  const calls = new FakeCalls({});
  assert.equal(await endExec(calls, ref, options), true);
  assert.deepEqual(calls.calls, ["delete"]);
});

test("an exec that runs is killed, waited for and freed", async () => {
  const calls = new FakeCalls({ delete: [running, undefined] });
  assert.equal(await endExec(calls, ref, options), true);
  assert.deepEqual(calls.calls, ["delete", "kill", "wait", "delete"]);
});

test("an exec that ends of itself meanwhile is freed all the same", async () => {
  const gone = new GantryError("not_found", "process already finished");
  const calls = new FakeCalls({ delete: [running, undefined], kill: [gone], wait: [gone] });
  assert.equal(await endExec(calls, ref, options), true);
});

test("S12 the end of an exec waits for a runtime that is away", async () => {
  const calls = new FakeCalls({ delete: [away, away, running, away, undefined], kill: [away, undefined] });
  assert.equal(await endExec(calls, ref, options), true);
  assert.deepEqual(calls.calls.filter((call) => call === "kill").length, 2);
});

test("an exec that cannot be freed in time is told, not waited for", async () => {
  const stuck = new FakeCalls({ delete: [running] });
  assert.equal(await endExec(stuck, ref, { clock: systemClock, withinMs: 100 }), false);
  const denied = new FakeCalls({ delete: [new GantryError("permission_denied", "no")] });
  assert.equal(await endExec(denied, ref, options), false);
  assert.deepEqual(denied.calls, ["delete"]);
});
