import assert from "node:assert/strict";
import { displayWidth } from "../../../lib/cli/columns.ts";
import { statsFields, statsRow } from "../../../lib/cli/stats_row.ts";
import { statsTable } from "../../../lib/cli/stats_table.ts";
import type { ContainerStats } from "../../../lib/engine/stats/container_stats.ts";
import { test } from "../../support/test.ts";

const id = "0123456789abcdef".repeat(4);

const stats: ContainerStats = {
  id,
  cpuPercent: 137.504,
  throttledPercent: 25,
  memory: { used: 1.5 * 2 ** 20, limit: 64 * 2 ** 20, percent: 2.34375 },
  network: { receivedBytes: 1250, sentBytes: 0 },
  blkio: { readBytes: 34_567_890, writeBytes: 999 },
  pids: 3,
  oomKills: 1,
  metrics: {},
};

const row = statsRow(stats, { name: "web", trunc: true });

test("T10 a row has docker's fields and units, and the numbers", () => {
  assert.deepEqual(row, {
    Container: "0123456789ab",
    Name: "web",
    ID: "0123456789ab",
    CPUPerc: "137.50%",
    MemUsage: "1.5MiB / 64MiB",
    MemPerc: "2.34%",
    NetIO: "1.25kB / 0B",
    BlockIO: "34.6MB / 999B",
    PIDs: "3",
    Throttled: "25.00%",
    OOMKills: "1",
    Raw: stats,
  });
  assert.deepEqual(Object.keys(row), [...statsFields]);
});

test("a row keeps the user's own word for the container, and the whole id when asked", () => {
  const { Container, ID } = statsRow(stats, { name: "web", reference: "w", trunc: false });
  assert.deepEqual({ Container, ID }, { Container: "w", ID: id });
});

test("what is not known is two dashes", () => {
  const { Raw: _, ...texts } = statsRow({ id: "x", metrics: {} }, { name: "", trunc: true });
  assert.deepEqual(texts, {
    Container: "x",
    Name: "--",
    ID: "x",
    CPUPerc: "--",
    MemUsage: "-- / --",
    MemPerc: "--",
    NetIO: "-- / --",
    BlockIO: "-- / --",
    PIDs: "--",
    Throttled: "--",
    OOMKills: "--",
  });
});

test("without a terminal each round is a plain block", () => {
  const block = "CONTAINER ID   NAME   CPU %     MEM USAGE / LIMIT   MEM %   NET I/O       BLOCK I/O       PIDS   " +
    "THROTTLED   OOM KILLS\n" +
    "0123456789ab   web    137.50%   1.5MiB / 64MiB      2.34%   1.25kB / 0B   34.6MB / 999B   3      " +
    "25.00%      1\n";
  assert.equal(statsTable([row], { first: true }), block);
  assert.equal(statsTable([row], { first: false }), `\n${block}`);
  assert.equal(statsTable([], { first: true }).split("\n").length, 2);
});

const wide = { width: 200, height: 24 };

test("on a terminal a round is drawn over the last one, and only the first clears the screen", () => {
  const lines = statsTable([row], { first: true }).trimEnd().split("\n");
  const drawn = `\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`;
  assert.equal(statsTable([row], { first: true, terminal: wide }), `\u001b[2J${drawn}`);
  assert.equal(statsTable([row], { first: false, terminal: wide }), drawn);
});

/** The lines that a terminal shows, without what moves the cursor. */
function visible(text: string): readonly string[] {
  // deno-lint-ignore no-control-regex -- the sequences start with the control character ESC
  return text.replace(/\u001b\[[0-9]*[HJK]/g, "").trimEnd().split("\n");
}

test("no line is wider than the terminal and the lines leave one free, whatever its size", () => {
  const rows = Array.from({ length: 40 }, (_, index) => ({ ...row, Name: `wéb-世界-${index}` }));
  for (const width of [1, 10, 20, 80, 200]) {
    for (const height of [3, 10, 24, 100]) {
      const lines = visible(statsTable(rows, { first: false, terminal: { width, height } }));
      assert.ok(lines.length < height || lines.length === 41);
      assert.ok(lines.every((line) => displayWidth(line) < Math.max(width, 1)), `${width} x ${height}`);
    }
  }
  const lines = visible(statsTable(rows, { first: false, terminal: { width: 80, height: 10 } }));
  assert.equal(lines.length, 9);
  assert.equal(lines.at(-1), "… and 33 more");
});

test("a name cannot move the cursor or break a row", () => {
  const text = statsTable([{ ...row, Name: "a\u001b[2Jb\nc\td" }], { first: false, terminal: wide });
  assert.ok(text.includes("a\\x1b[2Jb\\nc\\td"));
  assert.equal(visible(text).length, 2);
});
