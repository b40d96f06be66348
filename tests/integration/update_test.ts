import assert from "node:assert/strict";
import { readHostFacts } from "../../lib/engine/spec/host_facts.ts";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";

const host = readHostFacts();
const isUnified = host.cgroup.mode === "v2";

/** Files of limits in a container's cgroup, on v1 with their controller. */
const files = isUnified
  ? {
    memory: "memory.max",
    low: "memory.low",
    quota: "cpu.max",
    weight: "cpu.weight",
    cpus: "cpuset.cpus",
    pids: "pids.max",
  }
  : {
    memory: "memory/memory.limit_in_bytes",
    low: "memory/memory.soft_limit_in_bytes",
    quota: "cpu/cpu.cfs_quota_us",
    weight: "cpu/cpu.shares",
    cpus: "cpuset/cpuset.cpus",
    pids: "pids/pids.max",
  };

/** What the kernel has for a container now. */
async function limitsOf(path: string): Promise<Readonly<Record<string, string>>> {
  const entries = Object.entries(files).map(async ([key, file]) => {
    const [controller = "", name = file] = isUnified ? [] : file.split("/");
    return [key, (await Deno.readTextFile(`/sys/fs/cgroup/${controller}${path}/${name}`)).trim()] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function started(gantry: GantryInstance, args: readonly string[]): Promise<string> {
  const end = await gantry.gantry(["run", "-d", "--rootfs", gantry.rootfs, ...args]);
  assert.equal(end.code, 0, end.err);
  return end.out.trim();
}

async function field(gantry: GantryInstance, name: string, path: string): Promise<string> {
  const end = await gantry.gantry(["inspect", "-f", `{{${path}}}`, name]);
  assert.equal(end.code, 0, end.err);
  return end.out.trim();
}

const mib = 2 ** 20;

gantryTest("T10 update sets limits of what runs, at once, and of the next start", {}, async (gantry) => {
  await started(gantry, ["--name", "web", "-m", "64m", "--cpus", "0.5", "--", "sleep", "1000"]);
  const path = await field(gantry, "web", ".Gantry.CgroupsPath");
  const limits = [
    "-m",
    "128m",
    "--memory-swap",
    "-1",
    "--memory-reservation",
    "32m",
    "--cpus",
    "1.5",
    "--pids-limit",
    "77",
  ];
  const more = ["--cpu-shares", "512", "--cpuset-cpus", "0"];
  const end = await gantry.gantry(["update", ...limits, ...more, "web"]);
  assert.deepEqual([end.code, end.out, end.err], [0, "web\n", ""]);
  const set = isUnified ? { quota: "150000 100000", weight: "20" } : { quota: "150000", weight: "512" };
  const wanted = { memory: String(128 * mib), low: String(32 * mib), cpus: "0", pids: "77", ...set };
  assert.deepEqual(await limitsOf(path), wanted);
  const spec = JSON.parse((await gantry.gantry(["inspect", "--spec", "web"])).out);
  const { memory, cpu, pids } = spec.linux.resources;
  assert.deepEqual([memory.limit, memory.reservation, cpu.quota, cpu.shares, cpu.cpus, pids.limit], [
    128 * mib,
    32 * mib,
    150_000,
    512,
    "0",
    77,
  ]);
  // One limit, and the others stay; a paused container is no different.
  await gantry.ctr("tasks", "pause", await field(gantry, "web", ".Id"));
  const json = await gantry.gantry(["update", "--json", "--pids-limit", "-1", "--cpus", "0", "web"]);
  assert.deepEqual([json.code, json.out], [0, '{"updated":"web"}\n']);
  const free = isUnified ? "max 100000" : "-1";
  assert.deepEqual(await limitsOf(path), { ...wanted, pids: "max", quota: free });
  assert.equal(await field(gantry, "web", ".HostConfig.PidsLimit"), "");
  assert.equal(await field(gantry, "web", ".HostConfig.NanoCpus"), "0");
  await gantry.ctr("tasks", "resume", await field(gantry, "web", ".Id"));
  assert.equal((await gantry.gantry(["restart", "-t", "0", "web"])).code, 0);
  assert.deepEqual(await limitsOf(path), { ...wanted, pids: "max", quota: free });
  assert.equal((await gantry.gantry(["rm", "-f", "web"])).code, 0);
});

gantryTest("update of containers that do not run counts when they are started", {}, async (gantry) => {
  for (const name of ["one", "two"]) {
    const run = ["run", "--name", name, "-m", "32m", "--rootfs", gantry.rootfs];
    assert.equal((await gantry.gantry([...run, ...sh("exit 3")])).code, 3);
  }
  const end = await gantry.gantry(["update", "-m", "48m", "--memory-swap", "-1", "one", "nope", "two"]);
  assert.equal(end.code, 1);
  assert.deepEqual(end.out.trim().split("\n").sort(), ["one", "two"]);
  assert.match(end.err, /^gantry: no container "nope"/);
  for (const name of ["one", "two"]) {
    assert.equal(await field(gantry, name, ".HostConfig.Memory"), String(48 * mib));
    assert.equal(await field(gantry, name, ".State.ExitCode"), "3");
  }
  assert.equal((await gantry.gantry(["rm", "one", "two"])).code, 0);
});

gantryTest("update stores nothing of what the kernel refuses, or makes no sense", {}, async (gantry) => {
  const script = "dd if=/dev/zero of=/dev/shm/f bs=1M count=40 2>/dev/null; echo full; exec sleep 1000";
  const id = await started(gantry, ["--name", "big", "-m", "96m", ...sh(script)]);
  const log = `${gantry.root}/containers/default/${id}/stdout.log`;
  await eventually(async () => (await Deno.readTextFile(log)).includes("full"), { what: "a full tmpfs" });
  const path = await field(gantry, "big", ".Gantry.CgroupsPath");
  const before = await limitsOf(path);
  const spec = (await gantry.gantry(["inspect", "--spec", "big"])).out;
  // v2 takes any limit and kills; v1 refuses what it cannot reach.
  if (!isUnified) {
    const end = await gantry.gantry(["update", "-m", "16m", "--cpus", "1", "big"]);
    assert.deepEqual([end.code, end.out], [1, ""]);
    assert.match(end.err, /--memory 16MiB is too little: container [0-9a-f]+ uses 4\d.*MiB now\nhint: /);
  }
  const cases: readonly (readonly [readonly string[], RegExp, number])[] = [
    [[], /nothing to update\nhint: /, 125],
    [["-m", "12q"], /--memory: "12q" is not a size/, 125],
    [["--cpus", "many"], /"many" is not a number/, 125],
    [["--cpuset-cpus", "a-b"], /--cpuset-cpus "a-b"/, 125],
    [["-m", "1m"], /--memory 1MiB is too little/, 1],
    [["--cpus", "4000"], /--cpus 4000 is out of range/, 1],
    [["--memory-reservation", "200m"], /--memory 96MiB is less than --memory-reservation/, 1],
    [["--cpuset-cpus", "0-4000"], /there is no CPU/, 1],
  ];
  for (const [args, message, code] of cases) {
    const end = await gantry.gantry(["update", ...args, "big"]);
    assert.deepEqual([end.code, end.out], [code, ""], args.join(" "));
    assert.match(end.err, message);
  }
  assert.deepEqual(await limitsOf(path), before);
  assert.equal((await gantry.gantry(["inspect", "--spec", "big"])).out, spec);
  const unknown = await gantry.gantry(["update", "--json", "-m", "64m", "f".repeat(64)]);
  assert.deepEqual([unknown.code, JSON.parse(unknown.err).code], [1, "not_found"]);
  assert.equal((await gantry.gantry(["rm", "-f", "big"])).code, 0);
});
