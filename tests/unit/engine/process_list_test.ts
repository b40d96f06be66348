import assert from "node:assert/strict";
import { parseProcessColumns } from "../../../lib/engine/process_columns.ts";
import { listProcesses, type ProcessRow, processTable } from "../../../lib/engine/process_list.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { eventually } from "../../support/eventually.ts";
import { firstReason, needsRoot, test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

const now = new Date(2026, 10, 22, 20, 5, 30).getTime();
const hour = 3_600_000;

const plain: ProcessRow = {
  pid: 4242,
  parent: 4200,
  uid: 33,
  user: "www-data",
  command: "nginx",
  args: ["nginx", "-g", "daemon off;"],
  state: "Ss",
  terminal: undefined,
  elapsedMs: 10 * hour,
  cpuMs: 65_000,
  residentBytes: 5 * 1024 * 1024,
  virtualBytes: 11 * 1024 * 1024,
  innerPid: 1,
  startedAt: now - 10 * hour,
};

/** The cells of one row, in one text. */
function cells(row: Partial<ProcessRow>, ...columns: readonly string[]): string {
  const elapsedMs = row.elapsedMs ?? plain.elapsedMs;
  const table = processTable([{ ...plain, startedAt: now - elapsedMs, ...row }], parseProcessColumns(columns));
  return (table.Processes[0] ?? []).join("|");
}

test("T10 the default columns of top are docker's", () => {
  assert.deepEqual(processTable([plain]), {
    Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
    Processes: [["www-data", "4242", "4200", "0", "10:05", "?", "00:01:05", "nginx -g daemon off;"]],
  });
});

test("T10 top shows the columns asked for, in order, under the names of ps", () => {
  const columns = parseProcessColumns(["pid,nspid,comm,args", "uid user,stat", "rss,vsz,%cpu,etime,tty,"]);
  assert.deepEqual(processTable([{ ...plain, terminal: "pts/3" }], columns), {
    Titles: ["PID", "NSPID", "COMMAND", "COMMAND", "UID", "USER", "STAT", "RSS", "VSZ", "%CPU", "ELAPSED", "TTY"],
    Processes: [[
      "4242",
      "1",
      "nginx",
      "nginx -g daemon off;",
      "33",
      "www-data",
      "Ss",
      "5120",
      "11264",
      "0.2",
      "10:00:00",
      "pts/3",
    ]],
  });
});

test("T16 an unknown column is refused with the nearest", () => {
  assert.throws(() => parseProcessColumns(["pid,comn"]), gantryError("invalid_argument", /"comn"/, /"comm"/));
  assert.throws(() => parseProcessColumns(["xyzzy"]), gantryError("invalid_argument", /"xyzzy"/, /args, c, cmd/));
  assert.throws(() => parseProcessColumns(["constructor"]), gantryError("invalid_argument", /"constructor"/));
});

test("the start is a time today, a day this year, or a year", () => {
  assert.equal(cells({ elapsedMs: 20 * hour }, "stime"), "00:05");
  assert.equal(cells({ elapsedMs: 21 * hour }, "stime"), "Nov21");
  assert.equal(cells({ elapsedMs: 24 * 320 * hour }, "stime"), "Jan06");
  assert.equal(cells({ elapsedMs: 24 * 400 * hour }, "stime"), "2025");
});

test("times are written as ps writes them", () => {
  assert.equal(cells({ cpuMs: 999 }, "time"), "00:00:00");
  assert.equal(cells({ cpuMs: 50 * hour + 61_000 }, "time"), "02-02:01:01");
  assert.equal(cells({ elapsedMs: 61_500 }, "etime"), "01:01");
  assert.equal(cells({ elapsedMs: 5 * hour }, "etime"), "05:00:00");
  assert.equal(cells({ elapsedMs: 24 * 12 * hour }, "etime"), "12-00:00:00");
  assert.equal(cells({ elapsedMs: 1000, cpuMs: 1550 }, "c,pcpu"), "155|155.0");
  assert.equal(cells({ elapsedMs: 0, cpuMs: 10 }, "c"), "0");
});

test("a process without arguments is shown by its name in brackets", () => {
  assert.equal(cells({ args: [], command: "kthreadd", state: "S" }, "cmd"), "[kthreadd]");
  assert.equal(cells({ args: [], command: "sh", state: "Z" }, "args"), "[sh] <defunct>");
});

test("T10 processes are what ps says of them", { skip: needsPs() }, () => {
  const pids = [1, Deno.pid];
  const options = "pid,ppid,uid,user:30,comm:16";
  const { stdout } = new Deno.Command("ps", { args: ["-ww", "-o", options, "-p", pids.join(",")] }).outputSync();
  const expected = new TextDecoder().decode(stdout).trim().split("\n").slice(1).map((line) => line.trim().split(/\s+/));
  const columns = parseProcessColumns(["pid,ppid,uid,user,comm"]);
  const found = processTable(listProcesses(pids), columns).Processes;
  assert.deepEqual(found, expected);
});

function needsPs(): string | undefined {
  try {
    new Deno.Command("ps", { args: ["-o", "pid"], stdout: "null", stderr: "null" }).outputSync();
    return undefined;
  } catch {
    return "ps is not installed";
  }
}

test("T10 pids that have gone, and what is no pid, are left out; the order is that of the pids", () => {
  const rows = listProcesses([Deno.pid, 2 ** 31 - 1, 0, -1, 1.5, NaN, 1]);
  assert.deepEqual(rows.map(({ pid }) => pid), [Deno.pid, 1]);
});

test("the user is the host's name for the id, the first of several, else the number", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  try {
    await eventually(() => listProcesses([child.pid])[0]?.command === "sleep", { what: "sleep" });
    const user = (passwd: string) => listProcesses([child.pid], { passwd })[0]?.user;
    const uid = Deno.uid() ?? 0;
    assert.equal(user(`first:x:${uid}:0::/:/bin/sh\nsecond:x:${uid}:0::/:/bin/sh\n`), "first");
    assert.equal(user("other:x:54321:0::/:/bin/sh\nnonsense"), String(uid));
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

test("the start of a process is counted from the clock it was listed at", () => {
  const clock = new FakeClock();
  const [row] = listProcesses([Deno.pid], { clock });
  assert.ok(row !== undefined && row.elapsedMs >= 0 && row.elapsedMs < 3_600_000);
  assert.equal(row.startedAt, clock.now() - row.elapsedMs);
});

test(
  "T10 nspid is the pid in the container's own namespace",
  { skip: firstReason(needsRoot(), needsUnshare()) },
  async () => {
    const child = new Deno.Command("unshare", {
      args: ["--pid", "--fork", "--kill-child", "sh", "-c", "sleep 60 & echo; wait"],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    try {
      await reader.read();
      const children = (pid: number): number[] =>
        Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").map(Number);
      const [shell = 0] = children(child.pid);
      const [sleep = 0] = children(shell);
      const rows = listProcesses([shell, sleep]);
      assert.deepEqual(rows.map(({ innerPid }) => innerPid), [1, 2]);
    } finally {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    }
  },
);

function needsUnshare(): string | undefined {
  try {
    const args = ["--pid", "--fork", "--kill-child", "true"];
    const { success } = new Deno.Command("unshare", { args, stderr: "null" }).outputSync();
    return success ? undefined : "unshare --pid does not work here";
  } catch {
    return "unshare is not installed";
  }
}
