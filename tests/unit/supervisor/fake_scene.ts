import assert from "node:assert/strict";
import type { GantryError } from "../../../lib/base/errors.ts";
import type { Child, ChildEnd } from "../../../lib/supervisor/child.ts";
import { Lifecycle, type LifecycleParts } from "../../../lib/supervisor/lifecycle.ts";
import type { EndReason } from "../../../lib/supervisor/machine.ts";
import { defaultOptions, type SupervisorOptions } from "../../../lib/supervisor/options.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { type FakeAnswers, fakeProbe, goodAnswers } from "./fake_probe.ts";

/** A lifecycle over fakes, and the strings that move it. */
export interface Scene {
  readonly clock: FakeClock;
  readonly answers: FakeAnswers;
  readonly lifecycle: Lifecycle;
  /** Monotonic times of the launches. */
  readonly launches: number[];
  readonly ends: EndReason[];
  readonly examined: string[];
  /** Makes the launches fail. */
  launchError: GantryError | undefined;
  /** Ends the present child. */
  die(end: ChildEnd): Promise<void>;
}

/** What is different from a containerd that always serves. */
export interface Setup extends Partial<LifecycleParts> {
  /** The first launch finds a containerd that runs already and refuses connections. */
  readonly adoptsMute?: boolean;
  /** The first launch fails. */
  readonly launchError?: GantryError;
}

/** A lifecycle over fakes: a child is a promise, containerd is `answers`. */
export function scene(options: Partial<SupervisorOptions> = {}, setup: Setup = {}): Scene {
  const { adoptsMute = false, launchError, ...parts } = setup;
  const clock = new FakeClock();
  const answers = goodAnswers();
  answers.refuses = adoptsMute;
  let ending = Promise.withResolvers<ChildEnd>();
  const state: Scene = {
    clock,
    answers,
    launches: [],
    ends: [],
    examined: [],
    launchError,
    async die(end) {
      ending.resolve(end);
      await clock.advance(0);
    },
    lifecycle: new Lifecycle(
      { ...defaultOptions, healthIntervalMs: 1000, healthTimeoutMs: 500, stopTimeoutMs: 1000, ...options },
      {
        clock,
        random: () => 0,
        launcher: {
          logStart: 0,
          launch: () => {
            state.launches.push(clock.monotonic());
            if (state.launchError !== undefined) return Promise.reject(state.launchError);
            ending = Promise.withResolvers();
            // Ours and dead for ever: signals to it go nowhere.
            const identity = { pid: 2 ** 22 + 1, startTime: 1n, executable: "/fake" };
            const adopted = adoptsMute && state.launches.length === 1;
            const child: Child = { identity, adopted, version: "1.7.99", ended: ending.promise };
            return Promise.resolve(child);
          },
          confirm: (child) => Promise.resolve(child),
          cleanUp: () => Promise.resolve(),
        },
        connect: () => Promise.resolve(fakeProbe(answers, clock)),
        hasSocket: () => true,
        progress: () => ({ cpuTicks: 0, diskBytes: 0, logBytes: 0 }),
        examine: (_, reason) => {
          state.examined.push(reason);
          return Promise.resolve(undefined);
        },
        beforeRestartMs: 1000,
        changed: () => {},
        finish: (end) => state.ends.push(end),
        ...parts,
      },
    ),
  };
  state.lifecycle.dispatch({ type: "start" });
  return state;
}

/** Stops a scene that has a child, and checks that nothing stays behind. */
export async function stop(state: Scene): Promise<void> {
  state.lifecycle.dispatch({ type: "stop" });
  await state.clock.advance(0);
  await state.die({ signal: "SIGTERM" });
  assert.equal(now(state), "ended");
  assert.equal(state.answers.open, 0, "no connection stays open");
  assert.equal(state.clock.sleepers, 0, "nothing is waited for");
}

/** The state's name; a call, so that the compiler does not take it for constant. */
export function now(state: Scene): string {
  return state.lifecycle.state.name;
}
