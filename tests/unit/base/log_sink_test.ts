import assert from "node:assert/strict";
import { getLogger } from "../../../lib/base/log.ts";
import { configureLog, resetLog } from "../../../lib/base/log_sink.ts";
import { test } from "../../support/test.ts";
import { FakeClock } from "./fake_clock.ts";

const clock = new FakeClock(Date.UTC(2026, 10, 22, 18, 37, 1, 123));

test("configureLog() writes text lines of the given level and above", async () => {
  const lines: string[] = [];
  await configureLog({ level: "info", format: "text", write: (line) => lines.push(line), clock });
  try {
    const logger = getLogger("supervisor");
    logger.debug("too quiet");
    logger.info("a {brace} stays", { pid: 1 });
    logger.log("fatal", "the end");
  } finally {
    await resetLog();
  }
  getLogger("supervisor").error("nobody listens");
  assert.deepEqual(lines, [
    "2026-11-22T18:37:01.123Z INF supervisor: a {brace} stays pid=1",
    "2026-11-22T18:37:01.123Z FTL supervisor: the end",
  ]);
});

test("configureLog() writes JSON lines, and a second call replaces the first", async () => {
  const [first, second]: [string[], string[]] = [[], []];
  await configureLog({ level: "trace", format: "text", write: (line) => first.push(line), clock });
  await configureLog({ level: "trace", format: "json", write: (line) => second.push(line), clock });
  try {
    getLogger("shim").trace("hello", { id: "x" });
  } finally {
    await resetLog();
  }
  assert.deepEqual(first, []);
  assert.deepEqual(second.map((line) => JSON.parse(line)), [
    { time: "2026-11-22T18:37:01.123Z", level: "trace", logger: "shim", message: "hello", id: "x" },
  ]);
});

test("a writer that fails does not fail what is logging", async () => {
  let calls = 0;
  await configureLog({
    level: "info",
    format: "text",
    write: () => {
      calls++;
      throw new Error("disk full");
    },
    clock,
  });
  try {
    getLogger("x").info("one");
    getLogger("x").info("two");
  } finally {
    await resetLog();
  }
  assert.ok(calls >= 2);
});
