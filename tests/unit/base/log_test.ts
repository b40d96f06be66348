import assert from "node:assert/strict";
import { getLogger, type LogFields, logLevels, setLogWriter } from "../../../lib/base/log.ts";
import { test } from "../../support/test.ts";

test("a logger says nothing until a writer is set, and then everything, with its category", () => {
  const logger = getLogger("supervisor");
  logger.info("lost");
  const said: (readonly [string, string, string, LogFields])[] = [];
  setLogWriter((...record) => said.push(record));
  try {
    logger.trace("a");
    logger.debug("b");
    logger.info("c", { x: 1 });
    logger.warning("d");
    logger.error("e");
    logger.log("fatal", "f", { y: 2 });
  } finally {
    setLogWriter(undefined);
  }
  logger.error("lost too");
  assert.deepEqual(said.map(([category, level, message]) => [category, level, message]), [
    ["supervisor", "trace", "a"],
    ["supervisor", "debug", "b"],
    ["supervisor", "info", "c"],
    ["supervisor", "warning", "d"],
    ["supervisor", "error", "e"],
    ["supervisor", "fatal", "f"],
  ]);
  assert.deepEqual(said.map((record) => record[3]), [{}, {}, { x: 1 }, {}, {}, { y: 2 }]);
  assert.deepEqual(said.map((record) => record[1]), [...logLevels]);
});
