import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type EventType,
  type StateName,
  type SupervisorEvent,
  type SupervisorState,
  transition,
} from "../../../lib/supervisor/machine.ts";
import { test } from "../../support/test.ts";

// Records with every name: a state or an event that is added without its samples does not compile.
const states: { readonly [N in StateName]: readonly Extract<SupervisorState, { name: N }>[] } = {
  down: [{ name: "down" }],
  launching: [{ name: "launching", first: true }, { name: "launching", first: false }],
  starting: [
    { name: "starting", first: true, adopted: false },
    { name: "starting", first: true, adopted: true },
    { name: "starting", first: false, adopted: false },
  ],
  serving: [
    { name: "serving", adopted: false, failures: 0 },
    { name: "serving", adopted: true, failures: 2 },
  ],
  replacing: [{ name: "replacing", first: false, reason: "hung" }, { name: "replacing", first: true, reason: "mute" }],
  failing: [{ name: "failing", reason: "slow" }],
  recovering: [{ name: "recovering", first: false, reason: "died" }, { name: "recovering", first: true, reason: "x" }],
  stopping: [{ name: "stopping", waitsFor: "launch" }, { name: "stopping", waitsFor: "exit" }],
  ended: [{ name: "ended", end: { reason: "stopped" } }],
};

const events: { readonly [T in EventType]: readonly Extract<SupervisorEvent, { type: T }>[] } = {
  start: [{ type: "start" }],
  stop: [{ type: "stop" }],
  launched: [{ type: "launched", adopted: false }, { type: "launched", adopted: true }],
  launch_failed: [{ type: "launch_failed", why: "no program" }],
  ready: [{ type: "ready" }],
  stalled: [{ type: "stalled", why: "no progress" }],
  healthy: [{ type: "healthy" }],
  unhealthy: [{ type: "unhealthy", why: "late", limit: 3 }],
  exited: [{ type: "exited", why: "signal SIGKILL" }],
  recovered: [{ type: "recovered" }],
  limit_reached: [{ type: "limit_reached", why: "5 restarts" }],
};

/** What must come of every pair: the state's name and the effects, `-` for ignored, `!` for impossible. */
const expected: { readonly [N in StateName]: { readonly [T in EventType]: readonly string[] } } = {
  down: row({ start: ["launching: launch"], stop: ["ended: cancel finish"] }),
  launching: row({
    stop: ["stopping: cancel", "stopping: cancel"],
    launched: [
      "starting: await_ready",
      "starting: await_ready",
      "starting: await_ready",
      "starting: await_ready",
    ],
    launch_failed: ["ended: cancel finish", "recovering: cancel recover"],
  }),
  starting: row({
    stop: ["stopping: cancel terminate", "stopping: cancel terminate", "stopping: cancel terminate"],
    ready: ["serving: serve", "serving: serve", "serving: serve"],
    stalled: ["failing: replace", "replacing: replace", "replacing: replace"],
    exited: ["ended: cancel finish", "recovering: cancel recover", "recovering: cancel recover"],
  }),
  serving: row({
    stop: ["stopping: cancel terminate", "stopping: cancel terminate"],
    healthy: ["serving:", "serving:"],
    unhealthy: ["serving:", "replacing: cancel replace"],
    exited: ["recovering: cancel recover", "recovering: cancel recover"],
  }),
  replacing: row({
    stop: ["stopping:", "stopping:"],
    ready: ["-", "-"],
    stalled: ["-", "-"],
    healthy: ["-", "-"],
    unhealthy: ["-", "-"],
    exited: ["recovering: cancel recover", "recovering: cancel recover"],
  }),
  failing: row({
    stop: ["-"],
    ready: ["-"],
    stalled: ["-"],
    healthy: ["-"],
    unhealthy: ["-"],
    exited: ["ended: cancel finish"],
  }),
  recovering: row({
    stop: ["ended: cancel finish", "ended: cancel finish"],
    recovered: ["launching: launch", "launching: launch"],
    limit_reached: ["ended: cancel finish", "ended: cancel finish"],
  }),
  stopping: row({
    stop: ["-", "-"],
    launched: ["stopping: terminate", "stopping: terminate", "stopping: terminate", "stopping: terminate"],
    launch_failed: ["ended: cancel finish", "ended: cancel finish"],
    ready: ["-", "-"],
    stalled: ["-", "-"],
    healthy: ["-", "-"],
    unhealthy: ["-", "-"],
    exited: ["ended: cancel finish", "ended: cancel finish"],
    recovered: ["-", "-"],
    limit_reached: ["-", "-"],
  }),
  ended: row({
    stop: ["-"],
    launch_failed: ["-"],
    ready: ["-"],
    stalled: ["-"],
    healthy: ["-"],
    unhealthy: ["-"],
    exited: ["-"],
    recovered: ["-"],
    limit_reached: ["-"],
  }),
};

test("every pair of state and event leads where the table of this test says", () => {
  for (const [stateName, samples] of Object.entries(states)) {
    for (const [eventType, messages] of Object.entries(events)) {
      const found = samples.flatMap((state) => messages.map((event) => outcome(state, event)));
      const wanted = Object.entries(expected).find(([name]) => name === stateName)?.[1];
      const cell = Object.entries(wanted ?? {}).find(([type]) => type === eventType)?.[1];
      assert.deepEqual(found, cell?.length ? cell : found.map(() => "!"), `${stateName} × ${eventType}`);
    }
  }
});

test("S05 a first start that fails ends; a later one is tried again", () => {
  const end = transition({ name: "launching", first: true }, { type: "launch_failed", why: "gone" });
  assert.deepEqual(end.state, { name: "ended", end: { reason: "start_failed", why: "gone" } });
  const again = transition({ name: "launching", first: false }, { type: "launch_failed", why: "gone" });
  assert.deepEqual(again.state, { name: "recovering", first: false, reason: "gone" });
});

test("S10 an adopted containerd that does not answer is replaced and does not end the start", () => {
  const adopted: SupervisorState = { name: "starting", first: true, adopted: true };
  const replacing = transition(adopted, { type: "stalled", why: "mute" });
  assert.deepEqual(replacing.effects, [{ type: "replace", reason: "mute" }]);
  const recovering = transition(replacing.state, { type: "exited", why: "signal SIGTERM" });
  assert.deepEqual(recovering.state, { name: "recovering", first: true, reason: "mute" });
  const launching = transition(recovering.state, { type: "recovered" });
  assert.deepEqual(launching.effects, [{ type: "launch", first: true }]);
});

test("S13 containerd is replaced at exactly the given number of failed checks in a row", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.boolean(), { maxLength: 100 }), (limit, checks) => {
      let state: SupervisorState = { name: "serving", adopted: false, failures: 0 };
      let inARow = 0;
      for (const good of checks) {
        state = transition(state, good ? { type: "healthy" } : { type: "unhealthy", why: "late", limit }).state;
        inARow = good ? 0 : inARow + 1;
        assert.equal(state.name, inARow >= limit ? "replacing" : "serving");
        if (state.name !== "serving") return;
      }
    }),
  );
});

test("S15 from wherever it is, a stop leads to the end once its launch and its process have ended", () => {
  for (const state of Object.values(states).flat()) {
    let { state: now } = transition(state, { type: "stop" });
    if (now.name === "stopping" && now.waitsFor === "launch") {
      now = transition(now, { type: "launched", adopted: false }).state;
    }
    if (now.name === "stopping" || now.name === "failing") now = transition(now, { type: "exited", why: "TERM" }).state;
    assert.equal(now.name, "ended", state.name);
  }
});

test("whatever happens, containerd is never launched while one may be running", () => {
  const messages = fc.constantFrom(...Object.values(events).flat());
  fc.assert(fc.property(fc.array(messages, { maxLength: 200 }), (sequence) => {
    let state: SupervisorState = { name: "down" };
    let running = 0;
    let launches = 0;
    for (const event of sequence) {
      if (event.type === "launched" && launches === 0) continue;
      if (event.type === "launch_failed" && launches === 0) continue;
      if (event.type === "exited" && running === 0) continue;
      let next;
      try {
        next = transition(state, event);
      } catch (error) {
        assert.ok(error instanceof TypeError);
        continue;
      }
      if (event.type === "launched") [launches, running] = [0, 1];
      if (event.type === "launch_failed") launches = 0;
      if (event.type === "exited") running = 0;
      state = next.state;
      for (const effect of next.effects) {
        if (effect.type === "launch") {
          assert.equal(running + launches, 0);
          launches = 1;
        }
        if (effect.type === "finish") assert.equal(running + launches, 0, "ended while something runs");
      }
    }
  }));
});

function outcome(state: SupervisorState, event: SupervisorEvent): string {
  try {
    const next = transition(state, event);
    if (next.state === state && next.effects.length === 0) return "-";
    return `${next.state.name}:${next.effects.map(({ type }) => ` ${type}`).join("")}`;
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, new RegExp(`${event.type} cannot happen while ${state.name}`));
    return "!";
  }
}

function row(
  cells: { readonly [T in EventType]?: readonly string[] },
): { readonly [T in EventType]: readonly string[] } {
  const none: readonly string[] = [];
  return {
    start: none,
    stop: none,
    launched: none,
    launch_failed: none,
    ready: none,
    stalled: none,
    healthy: none,
    unhealthy: none,
    exited: none,
    recovered: none,
    limit_reached: none,
    ...cells,
  };
}
