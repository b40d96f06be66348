import assert from "node:assert/strict";
import fc from "fast-check";
import { logLevels } from "../../../lib/base/log.ts";
import { parseLogLine } from "../../../lib/supervisor/log_line.ts";
import { test } from "../../support/test.ts";

test("S03 a line of containerd's text log is understood", () => {
  const line = 'time="2026-11-22T18:53:25.003978288Z" level=warning msg="failed to load plugin \\"x\\"" ' +
    'error="a\\tb\\u00fc\\x21" id=io.containerd.x.v1 t="4.898µs"';
  assert.deepEqual(parseLogLine(line), {
    level: "warning",
    message: 'failed to load plugin "x"',
    fields: { error: "a\tbü!", id: "io.containerd.x.v1", t: "4.898µs" },
  });
  assert.deepEqual(parseLogLine("time=x level=info msg=serving... address=/run/x.sock\n"), {
    level: "info",
    message: "serving...",
    fields: { address: "/run/x.sock" },
  });
});

test("S03 a line of containerd's JSON log is understood", () => {
  assert.deepEqual(parseLogLine('{"error":"e","level":"error","msg":"m","time":"2026-11-22T18:53:25Z"}'), {
    level: "error",
    message: "m",
    fields: { error: "e" },
  });
});

test("S03 all levels of logrus have one of ours", () => {
  const levels = ["trace", "debug", "info", "warning", "warn", "error", "fatal", "panic"];
  const ours = levels.map((level) => parseLogLine(`time="x" level=${level} msg="m"`).level);
  assert.deepEqual(ours, ["trace", "debug", "info", "warning", "warning", "error", "fatal", "fatal"]);
});

test("S03 the last words of a dying program are errors, other text is the message itself", () => {
  const words = ["panic: x", "fatal error: all goroutines are asleep", "containerd: failed to load TOML", "sh: 1: no"];
  for (const text of words) assert.deepEqual(parseLogLine(text), { level: "error", message: text, fields: {} });
  for (const text of ["goroutine 1 [running]:", "level=loud msg=x", "{not json", '{"a":1}', "time=x msg"]) {
    assert.deepEqual(parseLogLine(text), { level: "info", message: text, fields: {} });
  }
});

test("a stack dump in one line is cut, and says how long it was", () => {
  const { message } = parseLogLine(`time="x" level=info msg="${"y".repeat(100_000)}"`);
  assert.ok(message.length < 5000);
  assert.match(message, /… \(100000 characters\)$/);
});

test("X01 any line is understood somehow", () => {
  const loglike = fc.tuple(fc.string(), fc.string()).map(([a, b]) => `time="x" level=info msg="${a}" ${b}`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), loglike, fc.json()), (text) => {
      const { level, message } = parseLogLine(text);
      assert.ok(logLevels.includes(level));
      assert.equal(typeof message, "string");
    }),
    { numRuns: 2000 },
  );
});
