import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import type { LogFields } from "../../../lib/base/log.ts";
import { formatJson, formatText, type LogEntry } from "../../../lib/base/log_format.ts";
import { test } from "../../support/test.ts";

const time = Date.UTC(2026, 10, 22, 18, 37, 1, 123);

function entry(message: string, fields: LogFields = {}): LogEntry {
  return { time, level: "info", logger: "supervisor", message, fields };
}

test("formatText() is time, level, logger, message and pairs", () => {
  const fields = { pid: 12, path: "/run/x", ready: true, none: null, skipped: undefined };
  assert.equal(
    formatText(entry("containerd is serving", fields)),
    "2026-11-22T18:37:01.123Z INF supervisor: containerd is serving pid=12 path=/run/x ready=true none=null",
  );
  const levels = ["trace", "debug", "info", "warning", "error", "fatal"] as const;
  const short = levels.map((level) => formatText({ ...entry("x"), level }).split(" ")[1]);
  assert.deepEqual(short, ["TRC", "DBG", "INF", "WRN", "ERR", "FTL"]);
});

test("formatText() quotes values as logfmt does, only where needed", () => {
  const fields = {
    a: "two words",
    b: 'a"b',
    c: "",
    d: "x=y",
    e: "back\\slash",
    f: "plain-ä/ok",
    g: [1, "b"],
    h: { k: 1n },
  };
  assert.ok(
    formatText(entry("m", fields)).endsWith(
      String.raw`m a="two words" b="a\"b" c="" d="x=y" e="back\\slash" f=plain-ä/ok g="[1,\"b\"]" h="{\"k\":\"1\"}"`,
    ),
  );
});

test("formatText() shows errors with their codes, causes and the hint", () => {
  const root = new Deno.errors.NotFound("No such file");
  const error = new GantryError("not_found", "cannot open /x: ENOENT", { hint: "make it", cause: root });
  assert.ok(
    formatText(entry("failed", { error })).endsWith(
      'error="[not_found] cannot open /x: ENOENT; caused by NotFound: No such file; hint: make it"',
    ),
  );
  assert.ok(
    formatText(entry("m", { error: new Error("a", { cause: "text" }) })).endsWith('error="Error: a; caused by text"'),
  );
});

test("formatJson() is one object with time, level, logger, message and the fields", () => {
  const parsed = JSON.parse(formatJson(entry("m", { pid: 12, nested: { a: [1, null] }, skipped: undefined })));
  assert.deepEqual(parsed, {
    time: "2026-11-22T18:37:01.123Z",
    level: "info",
    logger: "supervisor",
    message: "m",
    pid: 12,
    nested: { a: [1, null] },
  });
});

test("formatJson() does not let a field replace time, level, logger or message", () => {
  const parsed = JSON.parse(formatJson(entry("real", { message: "false", level: "fatal", time: 0, logger: "x" })));
  assert.equal(parsed.message, "real");
  assert.equal(parsed.level, "info");
  assert.equal(parsed.message_, "false");
  assert.equal(parsed.level_, "fatal");
});

test("formatJson() keeps code, hint and cause of errors, and the stack of errors that are not ours", () => {
  const cause = new TypeError("deep");
  const parsed = JSON.parse(
    formatJson(entry("m", { error: new GantryError("internal", "top", { hint: "h", cause }) })),
  );
  const { stack, ...deep } = parsed.error.cause;
  assert.deepEqual({ ...parsed.error, cause: deep }, {
    name: "GantryError",
    code: "internal",
    message: "top",
    hint: "h",
    cause: { name: "TypeError", message: "deep" },
  });
  assert.match(stack, /log_format_test/);
});

test("no value can break a line out of its record", () => {
  const evil = "x\n2026-11-22T18:37:01.123Z ERR auth: root logged in\r\t\x1b[2J\x9b\u2028\u202e\x7f";
  for (const format of [formatText, formatJson]) {
    const line = format({ ...entry(evil, { [evil]: evil, list: [evil], error: new Error(evil) }), logger: evil });
    // deno-lint-ignore no-control-regex
    assert.equal(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/.test(line), false, format.name);
  }
  assert.equal(JSON.parse(formatJson(entry(evil, { evil }))).evil, evil, "JSON gives it back unchanged");
});

test("odd values are shown, whatever they are", () => {
  const circle: Record<string, unknown> = { name: "c" };
  circle["self"] = circle;
  const looped = new Error("looped");
  looped.cause = looped;
  const fields = {
    circle,
    looped,
    big: 12345678901234567890n,
    nan: NaN,
    bytes: new Uint8Array(3),
    date: new Date(0),
    noDate: new Date(NaN),
    url: new URL("file:///x"),
    map: new Map([["a", new Set([1])]]),
    symbol: Symbol("s"),
    action: formatText,
    holes: [undefined, () => {}],
    bad: Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    }),
    many: Array.from({ length: 1000 }, (_, i) => i),
    deep: JSON.parse("[".repeat(50) + "]".repeat(50)),
    long: "x".repeat(100_000),
  };
  const parsed = JSON.parse(formatJson(entry("m", fields)));
  assert.deepEqual(parsed.circle, { name: "c", self: "[circular]" });
  assert.equal(parsed.looped.cause, "[circular]");
  assert.equal(parsed.big, "12345678901234567890");
  assert.equal(parsed.nan, "NaN");
  assert.equal(parsed.bytes, "[3 bytes]");
  assert.equal(parsed.date, "1970-01-01T00:00:00.000Z");
  assert.equal(parsed.noDate, "[invalid date]");
  assert.equal(parsed.url, "file:///x");
  assert.deepEqual(parsed.map, { a: [1] });
  assert.equal(parsed.symbol, "Symbol(s)");
  assert.equal(parsed.action, "[function formatText]");
  assert.deepEqual(parsed.holes[0], null);
  assert.equal(parsed.bad, "[unreadable]");
  assert.equal(parsed.many.length, 101);
  assert.equal(parsed.many[100], "[900 more]");
  assert.ok(JSON.stringify(parsed.deep).includes("[…]"));
  assert.match(parsed.long, /^x{8192}…\(91808 more characters\)$/);
  assert.ok(formatText(entry("m", fields)).length < 20_000);
});

test("formatText() and formatJson() make one line of anything", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.dictionary(fc.string(), fc.anything()), (message, fields) => {
      for (const format of [formatText, formatJson]) {
        // deno-lint-ignore no-control-regex
        assert.equal(/[\u0000-\u001f]/.test(format(entry(message, fields))), false);
      }
      assert.equal(JSON.parse(formatJson(entry(message, fields))).message, message);
    }),
    { numRuns: 500 },
  );
});
