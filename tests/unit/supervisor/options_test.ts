import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError, isCode } from "../../../lib/base/errors.ts";
import { checkOptions, defaultOptions, type SupervisorOptions } from "../../../lib/supervisor/options.ts";
import { test } from "../../support/test.ts";

test("the default options are accepted", () => checkOptions(defaultOptions));

const wrong: readonly (readonly [string, Partial<SupervisorOptions>])[] = [
  ["root", { root: "relative" }],
  ["root", { root: "/" }],
  ["state", { state: "" }],
  ["state", { state: "/run/a\nb" }],
  ["state", { root: "/same", state: "/same" }],
  ["containerd", { containerd: "" }],
  ["config-extra", { configExtra: "extra.toml" }],
  ["oom-score", { oomScore: -1001 }],
  ["oom-score", { oomScore: 1001 }],
  ["oom-score", { oomScore: 0.5 }],
  ["start-timeout", { startTimeoutMs: 0 }],
  ["start-timeout", { startTimeoutMs: NaN }],
  ["stop-timeout", { stopTimeoutMs: -1 }],
  ["stop-timeout", { stopTimeoutMs: 2 ** 31 }],
  ["health-interval", { healthIntervalMs: 0 }],
  ["health-timeout", { healthTimeoutMs: Infinity }],
  ["health-failures", { healthFailures: 0 }],
  ["restart-limit", { restartLimit: -1 }],
  ["stable time", { stableMs: -1 }],
  ["log-max-size", { logMaxBytes: 100 }],
  ["log-max-files", { logMaxFiles: 0 }],
];

test("an option that cannot be meant is named with its value and a way out", () => {
  for (const [name, change] of wrong) {
    assert.throws(() => checkOptions({ ...defaultOptions, ...change }), (error) => {
      assert.ok(isCode(error, "invalid_argument"), String(error));
      assert.ok(error.message.startsWith(`${name} cannot be `), error.message);
      assert.ok(error.hint);
      return true;
    }, JSON.stringify(change));
  }
});

test("S17 every OOM score from -1000 to 1000 is accepted and no other number", () => {
  fc.assert(fc.property(fc.integer(), (oomScore) => {
    const inRange = oomScore >= -1000 && oomScore <= 1000;
    try {
      checkOptions({ ...defaultOptions, oomScore });
      assert.ok(inRange);
    } catch (error) {
      assert.ok(error instanceof GantryError && !inRange, String(error));
    }
  }));
});
