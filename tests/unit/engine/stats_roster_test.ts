import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import type { ContainerSummary } from "../../../lib/engine/engine.ts";
import { StatsRoster } from "../../../lib/engine/stats/roster.ts";
import type { StatsSample } from "../../../lib/engine/stats/sample.ts";
import type { TaskStatus } from "../../../lib/wire/task.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { test } from "../../support/test.ts";

function container(id: string, status: TaskStatus | "none" = "running"): ContainerSummary {
  const pid = status === "running" || status === "paused" ? 7 : 0;
  return { id, name: id, image: "", command: [], createdAt: 0, labels: {}, status, pid };
}

/** An engine whose answers a test gives, and a roster of all its containers. */
class Setting {
  readonly clock = new FakeClock();
  containers: readonly ContainerSummary[] = [];
  /** Ids whose shim does not answer. */
  readonly hung = new Set<string>();
  /** What ends the calls of hung shims. */
  readonly answers = Promise.withResolvers<void>();
  /** What the next lists wait for. */
  listed: Promise<void> = Promise.resolve();
  /** How many of the next lists break off. */
  failures = 0;
  readonly asked: string[] = [];
  readonly roster = new StatsRoster({
    list: async () => {
      await this.listed;
      if (this.failures-- > 0) throw new GantryError("unavailable", "the connection broke");
      return this.containers;
    },
    sample: async ({ id }) => {
      this.asked.push(id);
      if (this.hung.has(id)) await this.answers.promise;
      if (id.startsWith("gone")) throw new GantryError("not_found", "no such task");
      return { id, metrics: {}, askedAt: 0, answeredAt: 0 } satisfies StatsSample;
    },
  }, { clock: this.clock, choose: (all) => all });

  async round(): Promise<readonly string[]> {
    return (await this.roster.take({ signal: undefined })).map(({ id }) => id);
  }
}

test("a round has a sample of each container that runs, asked for at once", async () => {
  const setting = new Setting();
  setting.containers = [
    container("a"),
    container("p", "paused"),
    container("gone"),
    container("s", "stopped"),
    container("n", "none"),
    container("u", "unknown"),
  ];
  assert.deepEqual(await setting.round(), ["a", "p"]);
  assert.deepEqual(setting.asked, ["a", "p", "gone"]);
  assert.deepEqual(setting.roster.containers, setting.containers);
  setting.containers = [container("b")];
  assert.deepEqual(await setting.round(), ["b"]);
});

test("a shim that hangs delays one round by a second at most, and is asked again once it has answered", async () => {
  const setting = new Setting();
  setting.containers = [container("a"), container("h")];
  setting.hung.add("h");
  const first = setting.round();
  await settle();
  await setting.clock.advance(500);
  await setting.clock.advance(500);
  assert.deepEqual(await first, ["a"]);
  // No clock moves: nobody is waited for.
  assert.deepEqual(await setting.round(), ["a"]);
  assert.deepEqual(setting.asked, ["a", "h", "a"]);
  setting.hung.clear();
  setting.answers.resolve();
  await settle();
  assert.deepEqual(await setting.round(), ["a", "h"]);
});

test("as long as answers come, the others are waited for", async () => {
  const setting = new Setting();
  setting.containers = [container("a"), container("slow"), container("h")];
  setting.hung.add("slow").add("h");
  const round = setting.round();
  await settle();
  await setting.clock.advance(499);
  await settle();
  setting.answers.resolve();
  assert.deepEqual(await round, ["a", "slow", "h"]);
});

test("a list that takes long is not waited for after the first, and comes into the next round", async () => {
  const setting = new Setting();
  const list = Promise.withResolvers<void>();
  setting.containers = [container("a")];
  await setting.round();
  setting.listed = list.promise;
  const round = setting.round();
  await settle();
  await setting.clock.advance(300);
  assert.deepEqual(await round, ["a"]);
  setting.containers = [container("b")];
  list.resolve();
  await settle();
  assert.deepEqual(await setting.round(), ["b"]);
});

test("a list that breaks off is asked for once more after the first", async () => {
  const setting = new Setting();
  setting.containers = [container("a")];
  await setting.round();
  setting.failures = 1;
  assert.deepEqual(await setting.round(), ["a"]);
  setting.failures = 2;
  await assert.rejects(setting.round(), { code: "unavailable" });
});

test("a list that fails ends the round, or the next one when nobody waited for it any more", async () => {
  const setting = new Setting();
  setting.containers = [container("a")];
  await setting.round();
  const list = Promise.withResolvers<void>();
  setting.listed = list.promise;
  const round = setting.round();
  await settle();
  await setting.clock.advance(300);
  await round;
  list.reject(new GantryError("unavailable", "nobody is there"));
  await settle();
  await assert.rejects(setting.round(), { code: "unavailable" });
  const other = new Setting();
  other.listed = Promise.reject(new GantryError("unavailable", "nobody is there"));
  await assert.rejects(other.round(), { code: "unavailable" });
});

test("a round ends when it is called off", async () => {
  const setting = new Setting();
  setting.containers = [container("h")];
  setting.hung.add("h");
  const stop = new AbortController();
  const round = setting.roster.take({ signal: stop.signal });
  await settle();
  stop.abort(new GantryError("cancelled", "enough"));
  await assert.rejects(round, { code: "cancelled" });
});
