import assert from "node:assert/strict";
import { setLogWriter } from "../../../lib/base/log.ts";
import { childMaySetOomScore, setOomScore } from "../../../lib/supervisor/oom_score.ts";
import { test } from "../../support/test.ts";
import { running } from "../base/processes.ts";

test("S17 the OOM score of a child is set, and a refusal is one warning that says what it needs", async () => {
  await using child = running("/bin/sleep", ["1000"]);
  const said: string[] = [];
  setLogWriter((_category, level, message, fields) => void said.push(`${level} ${message} ${JSON.stringify(fields)}`));
  try {
    assert.equal(await setOomScore(child.pid, 300), true);
    assert.equal((await Deno.readTextFile(`/proc/${child.pid}/oom_score_adj`)).trim(), "300");
    assert.equal(await setOomScore(child.pid, 1000), true);
    assert.deepEqual(said, []);
    const may = childMaySetOomScore(-1000);
    assert.equal(await setOomScore(child.pid, -1000), may);
    assert.equal(said.length, may ? 0 : 1);
    if (!may) assert.match(said[0] ?? "", /^warning the kernel refused containerd's OOM score .*CAP_SYS_RESOURCE/);
    assert.equal(await setOomScore(2 ** 22 - 1, 5), false, "a process that is gone is no warning");
    assert.equal(said.length, may ? 0 : 1);
  } finally {
    setLogWriter(undefined);
  }
});

test("S17 raising the score is always allowed", () => {
  assert.equal(childMaySetOomScore(1000), true);
});
