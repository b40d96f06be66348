import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { gantryProgram } from "../support/gantry_program.ts";
import { Pty } from "../support/pty.ts";

async function started(gantry: GantryInstance, name: string, args: readonly string[]): Promise<string> {
  const end = await gantry.gantry(["run", "-d", "--name", name, "--rootfs", gantry.rootfs, ...args]);
  assert.equal(end.code, 0, end.err);
  return end.out.trim();
}

interface Shown {
  readonly Name: string;
  readonly ID: string;
  readonly Container: string;
  readonly CPUPerc: string;
  readonly MemUsage: string;
  readonly NetIO: string;
  readonly PIDs: string;
  readonly OOMKills: string;
  readonly Raw: {
    readonly cpuPercent?: number;
    readonly throttledPercent?: number;
    readonly memory?: { readonly used: number };
  };
}

/** One round of stats of the containers named, from a process of its own. */
async function once(gantry: GantryInstance, ...words: readonly string[]): Promise<readonly Shown[]> {
  const end = await gantry.gantry(["stats", "--no-stream", "--json", ...words]);
  assert.deepEqual([end.code, end.err], [0, ""]);
  return end.out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

gantryTest(
  "T10 the first round of stats has the CPU % of a loop with half a CPU, its memory and pids",
  {},
  async (gantry) => {
    const id = await started(gantry, "busy", ["--cpus", "0.5", "-m", "64m", ...sh("sleep 1000 & while :; do :; done")]);
    // The loop has half a CPU at most, and gets it unless both CPUs of the machine are taken by others.
    const row = await eventually(async () => {
      const [shown] = await once(gantry, "busy");
      const cpu = shown?.Raw.cpuPercent ?? 0;
      assert.ok(cpu < 60, `${cpu} % of 50`);
      return cpu > 40 && shown;
    }, { what: "its half of a CPU", withinMs: 60_000 });
    assert.deepEqual([row.Name, row.ID, row.Container, row.PIDs, row.OOMKills], ["busy", id, "busy", "2", "0"]);
    assert.match(row.MemUsage, /^[\d.]+[KM]iB \/ 64MiB$/);
    assert.equal(row.NetIO, "0B / 0B");
    assert.ok((row.Raw.throttledPercent ?? 0) > 0 && (row.Raw.memory?.used ?? 0) > 4096);
    const table = await gantry.gantry(["stats", "--no-stream"]);
    const [header = "", line = "", end] = table.out.split("\n");
    const titles = header.split(/ {2,}/);
    assert.deepEqual(titles, [
      "CONTAINER ID",
      "NAME",
      "CPU %",
      "MEM USAGE / LIMIT",
      "MEM %",
      "NET I/O",
      "BLOCK I/O",
      "PIDS",
      "THROTTLED",
      "OOM KILLS",
    ]);
    const cells = line.split(/ {2,}/);
    assert.deepEqual([cells[0], cells[1], cells[7], cells[9], cells.length, end], [
      id.slice(0, 12),
      "busy",
      "2",
      "0",
      titles.length,
      "",
    ]);
    const template = await gantry.gantry(["stats", "--no-stream", "--format", "{{.Name}}: {{.PIDs}}", "busy"]);
    assert.equal(template.out, "busy: 2\n");
    assert.equal((await gantry.gantry(["rm", "-f", "busy"])).code, 0);
  },
);

gantryTest("T10 stats counts the kills for want of memory; what does not run has dashes", {}, async (gantry) => {
  await started(gantry, "oom", ["-m", "16m", ...sh("(tail /dev/zero); (tail /dev/zero); exec sleep 1000")]);
  assert.equal((await gantry.gantry(["run", "--name", "over", "--rootfs", gantry.rootfs, ...sh("exit 3")])).code, 3);
  await eventually(async () => (await once(gantry, "oom"))[0]?.OOMKills === "2", {
    what: "two kills",
    withinMs: 30_000,
  });
  assert.deepEqual((await once(gantry)).map(({ Name }) => Name), ["oom"]);
  const [over, oom] = await once(gantry, "-a");
  assert.deepEqual([over?.Name, over?.CPUPerc, over?.MemUsage, over?.PIDs, over?.OOMKills], [
    "over",
    "--",
    "-- / --",
    "--",
    "--",
  ]);
  assert.deepEqual([oom?.Name, oom?.PIDs], ["oom", "1"]);
  assert.deepEqual((await once(gantry, "oom", "over")).map(({ PIDs }) => PIDs), ["1", "--"]);
  for (const name of ["nope", "f".repeat(64)]) {
    const end = await gantry.gantry(["stats", "--json", "oom", name]);
    assert.deepEqual([end.code, end.out, JSON.parse(end.err).code], [1, "", "not_found"]);
  }
  assert.equal((await gantry.gantry(["stats", "-i", "1ms"])).code, 125);
  assert.equal((await gantry.gantry(["rm", "-f", "oom", "over"])).code, 0);
});

gantryTest(
  "stats goes on round after round, follows containers that come and go, and ends at Ctrl-C with 0",
  {},
  async (gantry) => {
    await started(gantry, "first", ["--", "sleep", "1000"]);
    await using program = gantry.start(["stats", "-i", "200ms", "--format", "{{.Name}} {{.PIDs}}"]);
    await program.untilOut(/first 1\nfirst 1\n/);
    await started(gantry, "second", ["--", "sleep", "1000"]);
    await program.untilOut(/second 1\nfirst 1\nsecond 1\nfirst 1\n/);
    assert.equal((await gantry.gantry(["rm", "-f", "first"])).code, 0);
    await program.untilOut(/second 1\nsecond 1\n/);
    program.signal("SIGINT");
    const end = await program.ended();
    assert.deepEqual([end.code, end.err], [0, ""]);
    assert.ok(!end.out.includes("\u001b"));
    // Of those that were named none is left.
    await using named = gantry.start(["stats", "-i", "200ms", "second"]);
    await named.untilOut(/second[^\n]*\n\nCONTAINER/);
    assert.equal((await gantry.gantry(["rm", "-f", "second"])).code, 0);
    assert.equal((await named.ended()).code, 0);
  },
);

gantryTest("stats shows dashes for a container whose shim hangs, and the others at their pace", {}, async (gantry) => {
  const hung = await started(gantry, "hung", ["--", "sleep", "1000"]);
  await started(gantry, "well", ["--", "sleep", "1000"]);
  await using program = gantry.start(["stats", "-i", "200ms", "--format", "{{.Name}} {{.PIDs}}", "hung", "well"]);
  await program.untilOut(/hung 1\nwell 1\n/);
  const shim = await gantry.shimOf(hung);
  Deno.kill(shim, "SIGSTOP");
  try {
    await program.untilOut(/(hung --\nwell 1\n){2}/);
    const [before, from] = [program.out.length, performance.now()];
    await eventually(() => /(hung --\nwell 1\n){8}$/.test(program.out.slice(before)), {
      what: "eight rounds",
      withinMs: 12_000,
    });
    const ms = performance.now() - from;
    // Eight rounds of two seconds each, were it waited for.
    assert.ok(ms < 12_000, `${ms} ms`);
    const late = await once(gantry);
    assert.deepEqual(late.map(({ Name, PIDs }) => [Name, PIDs]), [["well", "1"], ["hung", "--"]]);
  } finally {
    Deno.kill(shim, "SIGCONT");
  }
  await program.untilOut(/hung --\nwell 1\nhung 1\nwell 1\n/);
  program.signal("SIGTERM");
  assert.equal((await program.ended()).code, 0);
  assert.equal((await gantry.gantry(["rm", "-f", "hung", "well"])).code, 0);
});

gantryTest("stats goes on through a restart of containerd", { needs: "containerd" }, async (gantry) => {
  await started(gantry, "web", ["--", "sleep", "1000"]);
  await using program = gantry.start(["stats", "-i", "200ms", "--format", "{{.Name}} {{.PIDs}}"]);
  await program.untilOut(/web 1\nweb 1\n/);
  await gantry.containerd.end();
  await program.untilOut(/web --\nweb --\n/);
  await gantry.containerd.start();
  await program.untilOut(/web --\n(web 1\n){3}/, 30_000);
  program.signal("SIGINT");
  const end = await program.ended();
  assert.deepEqual([end.code, end.err], [0, ""]);
  assert.equal((await gantry.gantry(["rm", "-f", "web"])).code, 0);
});

gantryTest("stats on a terminal draws over itself, within its size, and leaves it as it was", {
  versions: ["2.1"],
}, async (gantry) => {
  await started(gantry, "web", ["--", "sleep", "1000"]);
  await using pty = new Pty({ rows: 10, columns: 60 });
  const before = await pty.modes();
  await using program = pty.start([...gantryProgram(), "stats", "-i", "200ms"], gantry.env);
  // Cleared once; then each round begins at the top left corner and clears what it does not write over.
  const round = "ESC\\[HCONTAINER ID[^\\nESC]*ESC\\[K\\r\\n\\w{12} +web [^\\nESC]*ESC\\[K\\r\\nESC\\[J";
  const rounds = new RegExp(`^ESC\\[2J(${round}){3}`.replaceAll("ESC", "\u001b"));
  await pty.shows(rounds);
  // deno-lint-ignore no-control-regex -- as above
  const lines = pty.seen.replace(/\u001b\[\d?[A-Z]/g, "").split("\r\n");
  for (const line of lines) assert.ok(line.length <= 59, line);
  pty.type("\x03");
  assert.equal((await program.ended()).code, 0);
  assert.ok(!pty.seen.includes("\u001b[?"), "no mode was set that would have to be taken back");
  assert.equal(await pty.modes(), before);
  assert.equal((await gantry.gantry(["rm", "-f", "web"])).code, 0);
});
