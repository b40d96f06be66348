import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import { listTasks } from "../../../lib/engine/list_tasks.ts";
import type { ProcessRef, ProcessState } from "../../../lib/engine/task_api.ts";
import type { CallOptions } from "../../../lib/rpc/transport.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";

/** Shims behind a containerd; a call to what is not in a map hangs until it is aborted. */
class FakeShims {
  readonly calls: string[] = [];
  listed: Promise<readonly ProcessState[]> | undefined;
  readonly answers = new Map<string, () => Promise<ProcessState>>();

  list(options: CallOptions = {}): Promise<readonly ProcessState[]> {
    this.calls.push("list");
    return this.listed ?? hang(options);
  }

  state({ containerId }: ProcessRef, options: CallOptions = {}): Promise<ProcessState> {
    this.calls.push(`state ${containerId}`);
    return this.answers.get(containerId)?.() ?? hang(options);
  }

  runs(...ids: readonly string[]): this {
    for (const id of ids) this.answers.set(id, () => Promise.resolve(running(id)));
    return this;
  }
}

function hang({ signal }: CallOptions): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = (): void => reject(new GantryError("cancelled", "cancelled"));
    if (signal?.aborted) refuse();
    signal?.addEventListener("abort", refuse, { once: true });
  });
}

function running(containerId: string): ProcessState {
  const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
  return { containerId, pid: 7, status: "running", stdio };
}

const ids = (): Promise<readonly string[]> => Promise.resolve(["a", "b"]);
const names = (states: readonly ProcessState[]): readonly string[] =>
  states.map(({ containerId, status }) => `${containerId} ${status}`);

test("T14 a list that is in time is the only call", async () => {
  const shims = new FakeShims();
  shims.listed = Promise.resolve([running("a")]);
  assert.deepEqual(names(await listTasks(shims, { clock: new FakeClock(), ids })), ["a running"]);
  assert.deepEqual(shims.calls, ["list"]);
});

test("T14 when the list is late each container is asked, and the one whose shim hangs is unknown", async () => {
  const shims = new FakeShims().runs("a");
  // The deadline of the questions is real time.
  const states = await listTasks(shims, { clock: systemClock, ids });
  assert.deepEqual(names(states), ["a running", "b unknown"]);
});

test("T14 a late list counts for those it names; containerd leaves out the ones that hang", async () => {
  const clock = new FakeClock();
  const shims = new FakeShims();
  const list = Promise.withResolvers<readonly ProcessState[]>();
  shims.listed = list.promise;
  const work = listTasks(shims, { clock, ids });
  await clock.advance(400);
  list.resolve([running("a")]);
  assert.deepEqual(names(await work), ["a running", "b unknown"]);
});

test("T14 a late list that fails does not matter, nor does a container that has no task", async () => {
  const clock = new FakeClock();
  const shims = new FakeShims().runs("a");
  shims.answers.set("b", () => Promise.reject(new GantryError("not_found", "no task")));
  const list = Promise.withResolvers<readonly ProcessState[]>();
  shims.listed = list.promise;
  const work = listTasks(shims, { clock, ids });
  await clock.advance(400);
  list.reject(new GantryError("deadline_exceeded", "took too long"));
  assert.deepEqual(names(await work), ["a running"]);
});

test("T14 a list that fails in time is the error", async () => {
  const shims = new FakeShims();
  shims.listed = Promise.reject(new GantryError("unavailable", "gone"));
  await assert.rejects(listTasks(shims, { clock: new FakeClock(), ids }), { code: "unavailable" });
});

test("T14 a containerd that goes away is an error and no list of unknown containers", async () => {
  const clock = new FakeClock();
  const shims = new FakeShims().runs("a");
  shims.answers.set("b", () => Promise.reject(new GantryError("unavailable", "gone")));
  const work = listTasks(shims, { clock, ids });
  work.catch(() => {});
  await clock.advance(400);
  await assert.rejects(work, { code: "unavailable" });
});

test("T14 an abort ends it, early and late", async () => {
  for (const ms of [0, 400]) {
    const clock = new FakeClock();
    const aborter = new AbortController();
    const work = listTasks(new FakeShims(), { clock, ids, signal: aborter.signal });
    work.catch(() => {});
    await clock.advance(ms);
    aborter.abort(new GantryError("cancelled", "enough"));
    await assert.rejects(work, { code: "cancelled" });
    await settle();
    assert.equal(clock.sleepers, 0);
  }
});
