import assert from "node:assert/strict";
import { Timings } from "../../../lib/cli/timings.ts";
import { test } from "../../support/test.ts";
import { FakeClock } from "../base/fake_clock.ts";

test("run --timings tells each step with its beginning and its length, and the end", async () => {
  const clock = new FakeClock();
  const timings = new Timings(clock);
  const written: string[] = [];
  const stderr = { write: (text: string) => void written.push(text), isTerminal: false };
  // The fake clock moves when it is asked to sleep: that is to be after the beginning.
  const later = async (ms: number): Promise<void> => {
    await Promise.resolve();
    await clock.sleep(ms);
  };
  await timings.time("plan", later(12));
  await assert.rejects(timings.time("create", later(40).then(() => Promise.reject(new Error("refused")))), /refused/);
  void timings.time("wait", new Promise(() => {}));
  timings.report({ json: true, stderr });
  const { timings: steps } = JSON.parse(written.join(""));
  const start = steps[0].atMs;
  assert.deepEqual(steps, [
    { step: "plan", atMs: start, tookMs: 12 },
    { step: "create", atMs: start + 12, tookMs: 40 },
    { step: "wait", atMs: start + 52 },
    { step: "end", atMs: start + 52 },
  ]);
  timings.report({ json: false, stderr });
  assert.match(written.at(-1) ?? "", /^ +AT MS +TOOK MS {2}STEP\n *[\d.]+ +12\.0 {2}plan\n/);
});
