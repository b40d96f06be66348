import assert from "node:assert/strict";
import { count, sum, testCases } from "../../../scripts/testing/junit.ts";
import { test } from "../../support/test.ts";

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="2" errors="0" time="1.322">
  <testsuite name="./a_test.ts" tests="6" disabled="1" errors="0" failures="2">
    <testcase name="passes" classname="./a_test.ts" time="1.201" line="36" col="8">
    </testcase>
    <testcase name="is empty" classname="./a_test.ts" time="1"/>
    <testcase name="skipped &gt; here" classname="./a_test.ts" time="0.000" line="36" col="8">
      <skipped/>
    </testcase>
    <testcase name="fails &amp; &lt;b&gt;" classname="./a_test.ts" time="0.002" line="1" col="6">
      <failure message="1 test step failed">1 test step failed.</failure>
    </testcase>
    <testcase name="fails &amp; &lt;b&gt; &gt; bad" classname="./a_test.ts" time="0.001" line="1" col="82">
      <failure message="Uncaught Error: x">Error: x</failure>
    </testcase>
    <testcase name="passes &gt; inner" classname="./a_test.ts" time="0.000" line="1" col="49">
    </testcase>
  </testsuite>
</testsuites>`;

test("a report's tests are counted without their steps", () => {
  assert.deepEqual(testCases(report), [
    { name: "passes", outcome: "passed" },
    { name: "is empty", outcome: "passed" },
    { name: "skipped > here", outcome: "skipped" },
    { name: "fails & <b>", outcome: "failed" },
  ]);
  assert.deepEqual(count(testCases(report)), { passed: 2, failed: 1, skipped: 1 });
});

test("a report that is missing or cut has no tests that passed by mistake", () => {
  assert.deepEqual(testCases(""), []);
  assert.deepEqual(testCases('<testcase name="a" classname="x" time="1">\n  <fail'), []);
});

test("counts add up", () => {
  assert.deepEqual(sum([{ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 0, skipped: 0 }]), {
    passed: 11,
    failed: 2,
    skipped: 3,
  });
});
