/** The options of `run` that say what a container is, seen from inside it; how specs are made of them is tested apart. */
import assert from "node:assert/strict";
import { readHostFacts } from "../../lib/engine/spec/host_facts.ts";
import { findInit } from "../../lib/engine/spec/init_program.ts";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { assertRpcs } from "../support/rpc_delta.ts";
import { exists } from "../support/spec_container.ts";
import { filesOf } from "../support/stored.ts";

const host = readHostFacts();
const isUnified = host.cgroup.mode === "v2";
const isStrong = host.capabilities.includes("CAP_SYS_RESOURCE");

/** A device that can be opened without consequences, if the host has one. */
const device = ["/dev/fuse", "/dev/loop-control", "/dev/net/tun"].find(exists);

/** One version: the options are in the spec, which the same runc gets from each. */
const versions = ["2.1"] as const;

/** What a container with these flags writes; fails when it fails or something is said beside. */
async function shown(gantry: GantryInstance, flags: readonly string[], script: string): Promise<readonly string[]> {
  const end = await gantry.run([...flags, ...sh(script)]);
  assert.deepEqual([end.code, end.err], [0, ""], end.out);
  return end.out.trimEnd().split("\n");
}

/** Fails unless the flags are refused with 125 and a message that matches. */
async function refused(gantry: GantryInstance, flags: readonly string[], message: RegExp): Promise<void> {
  const end = await gantry.run([...flags, "--", "true"]);
  assert.deepEqual([end.code, end.out], [125, ""], `${flags.join(" ")}: ${end.err}`);
  assert.match(end.err, message);
}

gantryTest("the limits of run are in its control groups, in --cgroup-parent", { versions }, async (gantry) => {
  const parent = `/gantry-test-${Deno.pid}`;
  const swap = host.cgroup.swap ? ["--memory-swap", "96m"] : [];
  const flags = ["-m", "64m", ...swap, "--memory-reservation", "32m", "--cpus", "0.5", "--cpu-shares", "512"];
  flags.push("--cpuset-cpus", "0", "--cpuset-mems", "0", "--pids-limit", "20", "--cgroup-parent", parent);
  const files = isUnified
    ? ["memory.max", "memory.low", "cpu.max", "cpu.weight", "cpuset.cpus", "cpuset.mems", "pids.max"]
    : [
      "memory/memory.limit_in_bytes",
      "memory/memory.soft_limit_in_bytes",
      "cpu/cpu.cfs_quota_us",
      "cpu/cpu.shares",
      "cpuset/cpuset.cpus",
      "cpuset/cpuset.mems",
      "pids/pids.max",
    ];
  const quota = isUnified ? "50000 100000" : "50000";
  try {
    const lines = await shown(gantry, flags, `cd /sys/fs/cgroup; for f in ${files.join(" ")}; do cat $f; done`);
    const weight = isUnified ? "20" : "512";
    assert.deepEqual(lines, [String(64 << 20), String(32 << 20), quota, weight, "0", "0", "20"]);
    const [path = ""] = await shown(gantry, ["--cgroup-parent", parent, "--cgroupns", "host"], "cat /proc/self/cgroup");
    assert.ok(path.includes(`:${parent}/`), path);
    if (swap.length > 0) {
      const file = isUnified ? "memory.swap.max" : "memory/memory.memsw.limit_in_bytes";
      const [limit] = await shown(gantry, ["-m", "64m", "--memory-swap", "96m"], `cat /sys/fs/cgroup/${file}`);
      assert.equal(limit, String((isUnified ? 32 : 96) << 20));
    }
  } finally {
    await removeGroups(parent);
  }
});

/** The parents of containers' control groups stay; they are the user's. */
async function removeGroups(parent: string): Promise<void> {
  for (const { mountPoint } of await cgroupMounts()) await Deno.remove(`${mountPoint}${parent}`).catch(() => {});
}

async function cgroupMounts(): Promise<readonly { readonly mountPoint: string }[]> {
  const text = await Deno.readTextFile("/proc/mounts");
  return text.split("\n").map((line) => line.split(" ")).filter(([, , type]) => type?.startsWith("cgroup"))
    .map(([, mountPoint = ""]) => ({ mountPoint }));
}

gantryTest("a limit that this host cannot set is refused, and says so", { versions }, async (gantry) => {
  if (!host.cgroup.ioWeight) {
    await refused(gantry, ["--blkio-weight", "300"], /--blkio-weight cannot be applied: .*\nhint: /);
  }
  if (!host.cgroup.swap) await refused(gantry, ["-m", "64m", "--memory-swap", "96m"], /--memory-swap.*swap/);
  if (!isStrong) {
    await refused(gantry, ["--oom-score-adj", "-1000"], /--oom-score-adj .*no CAP_SYS_RESOURCE/);
    await refused(gantry, ["--ulimit", `nofile=${host.maxOpenFiles}`], /--ulimit nofile.*no CAP_SYS_RESOURCE/);
  }
  await refused(gantry, ["--cpuset-cpus", "0-4000"], /--cpuset-cpus 0-4000: there is no CPU/);
  await refused(gantry, ["--sysctl", "net.no.such=1"], /--sysctl net\.no\.such/);
});

gantryTest("ulimits, OOM score, groups, kernel parameters and /dev/shm are what was asked for", {
  versions,
}, async (gantry) => {
  const flags = ["--ulimit", "nofile=512:1024", "--ulimit", "core=0", "--oom-score-adj", "500", "--group-add", "staff"];
  flags.push("--group-add", "1234", "--sysctl", "net.core.somaxconn=99", "--sysctl", "kernel/shmmni=77");
  flags.push("--shm-size", "8m", "--annotation", "org.example.a=b=c");
  const script = "ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj; id -G; " +
    "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmni; df -k /dev/shm | tail -1";
  const lines = await shown(gantry, flags, script);
  assert.deepEqual(lines.slice(0, -1), ["512", "1024", "0", "500", "0 50 1234", "99", "77"]);
  assert.match(lines.at(-1) ?? "", /^shm +8192 /);
  const dry = JSON.parse((await gantry.run(["--dry-run", ...flags, "--", "true"])).out);
  assert.deepEqual(dry.spec.annotations, { "org.example.a": "b=c" });
});

gantryTest("--pid, --ipc, --uts and --cgroupns share the host's namespaces or have their own", {
  versions,
}, async (gantry) => {
  const kinds = ["pid", "ipc", "uts", "cgroup"] as const;
  const ours = await Promise.all(kinds.map((kind) => Deno.readLink(`/proc/self/ns/${kind}`)));
  const script = kinds.map((kind) => `readlink /proc/self/ns/${kind}`).join("; ");
  const hosts = ["--pid", "host", "--ipc", "host", "--uts", "host", "--cgroupns", "host"];
  assert.deepEqual(await shown(gantry, hosts, script), ours);
  const own = ["--pid", "private", "--ipc", "private", "--uts", "private", "--cgroupns", "private"];
  const found = await shown(gantry, own, script);
  assert.deepEqual(found.filter((namespace) => ours.includes(namespace)), []);
  const [hostname] = await shown(gantry, ["--uts", "host"], "hostname");
  assert.equal(hostname, Deno.hostname());
  await refused(gantry, ["--uts", "host", "--hostname", "me"], /--hostname .*--uts host/);
  await refused(gantry, ["--pid", "hots"], /--pid.*did you mean host/);
});

gantryTest("--dns and --add-host give the container files of its own, which go with it", {}, async (gantry) => {
  const flags = ["--name", "named", "--hostname", "web", "--dns", "10.0.0.53", "--dns-search", "example.com"];
  flags.push("--dns-option", "ndots:2", "--add-host", "db:10.0.0.7", "--add-host", "db6:[fd00::7]");
  const script = "cat /etc/resolv.conf; echo --; cat /etc/hosts; echo --; cat /etc/hostname; id -u; sleep 1000";
  const started = await gantry.gantry([
    "run",
    "-d",
    "-u",
    "nobody",
    ...flags,
    "--rootfs",
    gantry.rootfs,
    ...sh(script),
  ]);
  assert.deepEqual([started.code, started.err], [0, ""]);
  const data = `${gantry.root}/containers/default/${started.out.trim()}`;
  assert.deepEqual(filesOf(gantry, started.out.trim()), [
    "container.json",
    "hostname",
    "hosts",
    "resolv.conf",
    "stderr.log",
    "stdout.log",
  ]);
  assert.equal((Deno.statSync(`${data}/hosts`).mode ?? 0) & 0o777, 0o644);
  assert.equal((Deno.statSync(`${data}/container.json`).mode ?? 0) & 0o777, 0o600);
  const record = JSON.parse(await Deno.readTextFile(`${data}/container.json`));
  assert.deepEqual([record.runtime, record.labels["gantry/name"]], ["io.containerd.runc.v2", "named"]);
  const text = await eventually(async () => {
    const now = await Deno.readTextFile(`${data}/stdout.log`);
    return now.endsWith("\n65534\n") ? now : undefined;
  }, { what: "its output" });
  const [resolver, hosts, hostname] = text.split("--\n");
  assert.equal(resolver, "nameserver 10.0.0.53\nsearch example.com\noptions ndots:2\n");
  assert.match(hosts ?? "", /\n127\.0\.0\.1\tweb\n10\.0\.0\.7\tdb\nfd00::7\tdb6\n$/);
  assert.equal(hostname, "web\n65534\n");
  assert.equal((await gantry.gantry(["rm", "-f", "named"])).code, 0);
  assert.equal(exists(data), false);
  await refused(gantry, ["--add-host", "me:host-gateway"], /--add-host me:host-gateway: .*--network none/);
});

gantryTest("a mount of the user's at a generated file wins, with a warning on stderr", { versions }, async (gantry) => {
  await Deno.writeTextFile(`${gantry.directory}/mine`, "mine\n");
  const flags = ["-v", `${gantry.directory}/mine:/etc/resolv.conf`, "--dns", "10.0.0.53"];
  const end = await gantry.run([...flags, "--", "cat", "/etc/resolv.conf"]);
  assert.deepEqual([end.code, end.out], [0, "mine\n"]);
  assert.equal(end.err, "gantry: warning: --dns has no effect: a mount of yours is at /etc/resolv.conf\n");
});

gantryTest("--device gives a device under another name, with the access asked for", {
  versions,
  skip: device === undefined ? "no device to try" : undefined,
}, async (gantry) => {
  const script = ": < /dev/mine && echo read; (: > /dev/mine) 2>/dev/null || echo refused";
  assert.deepEqual(await shown(gantry, ["--device", `${device}:/dev/mine:r`], script), ["read", "refused"]);
  await refused(gantry, ["--device", "/dev/no/such"], /--device \/dev\/no\/such does not exist/);
});

const init = await findInit(true).catch(() => undefined);

gantryTest("--init is process 1, reaps what nobody waits for, and passes signals on", {
  skip: init === undefined ? "no static init program on this host" : undefined,
}, async (gantry) => {
  const script = "tr '\\0' ' ' </proc/1/cmdline; echo; (sleep 0.1 &); sleep 0.5; " +
    "grep -l '^State:.Z' /proc/[0-9]*/status; trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done";
  await using program = gantry.startRun(["--rm", "--init", ...sh(script)]);
  const out = await program.untilOut(/ready\n/);
  assert.match(out, /^\/dev\/init -- \/bin\/sh -c /);
  assert.doesNotMatch(out, /^\/proc\//m);
  program.signal("SIGTERM");
  assert.equal((await program.ended()).code, 9);
  assert.deepEqual(await shown(gantry, ["--init-path", init ?? ""], "readlink /proc/1/exe"), ["/dev/init"]);
  await refused(gantry, ["--init-path", "/bin/bash"], /--init-path \/bin\/bash is dynamically linked/);
  await refused(gantry, ["--init", "--pid", "host"], /--init cannot be combined with --pid host/);
});

gantryTest("--security-opt takes seccomp, apparmor and no-new-privileges", { versions }, async (gantry) => {
  const field = (name: string): string => `sed -n 's/^${name}:\\t//p' /proc/self/status`;
  const script = `${field("Seccomp")}; ${field("NoNewPrivs")}`;
  assert.deepEqual(await shown(gantry, [], script), ["2", "0"]);
  const flags = ["--security-opt", "seccomp=unconfined", "--security-opt", "no-new-privileges"];
  assert.deepEqual(await shown(gantry, flags, script), ["0", "1"]);
  const profile = `${gantry.directory}/profile.json`;
  const syscalls = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }];
  await Deno.writeTextFile(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls }));
  const attempt = "mkdir /tmp/x 2>/dev/null || echo refused";
  const tried = await shown(gantry, ["--security-opt", `seccomp=${profile}`], attempt);
  assert.deepEqual(tried, ["refused"]);
  if (!exists("/sys/kernel/security/apparmor")) {
    await refused(gantry, ["--security-opt", "apparmor=some"], /apparmor=some.*AppArmor/i);
  }
  await refused(gantry, ["--security-opt", "secomp=x"], /secomp.*\nhint: .*seccomp/);
});

gantryTest("a bad value of an option names the option, and nothing is done", { versions }, async (gantry) => {
  const cases = [
    [["--cpu-shares", "1"], /--cpu-shares 1 is out of range/],
    [["--cpu-shares", "many"], /--cpu-shares.*"many"/],
    [["--cpuset-cpus", "a-b"], /--cpuset-cpus "a-b"/],
    [["--cpuset-mems", "x"], /--cpuset-mems "x"/],
    [["--memory-reservation", "12q"], /--memory-reservation.*"12q"/],
    [["--memory-swap", "12q"], /--memory-swap: "12q"/],
    [["--blkio-weight", "5"], /--blkio-weight 5 is out of range/],
    [["--ulimit", "nofiles=1"], /--ulimit "nofiles=1" .*\nhint: did you mean "nofile"/],
    [["--shm-size", "0"], /--shm-size 0/],
    [["--sysctl", "kernel.pid_max=1"], /--sysctl.*kernel\.pid_max/],
    [["--sysctl", "novalue"], /--sysctl "novalue"/],
    [["--device", "dev/null"], /--device "dev\/null"/],
    [["--group-add", "stuff"], /unable to find group stuff/],
    [["--annotation", "=x"], /--annotation.*KEY=VALUE/],
    [["--oom-score-adj", "1001"], /--oom-score-adj.*-1000 to 1000/],
    [["--cgroup-parent", "../up"], /--cgroup-parent "\.\.\/up"/],
    [["--cgroupns", "shared"], /--cgroupns.*private, host/],
    [["--init-path", "tini"], /--init-path "tini" is not absolute/],
    [["--timeout", "soon"], /--timeout.*"soon" is not a duration/],
    [["--replace"], /--replace .*no name given\nhint: .*--name/],
    [["--dns", "dns.example.com"], /--dns "dns\.example\.com" is not an IP address/],
    [["--dns-search", "a b"], /--dns-search "a b"/],
    [["--dns-option", "a b"], /--dns-option "a b"/],
    [["--add-host", "db"], /--add-host "db"/],
    [["--log", "json-file"], /--log.*file, none/],
  ] as const;
  for (const [flags, message] of cases) await refused(gantry, flags, message);
  assert.deepEqual(await gantry.remains(), []);
});

gantryTest("T15 run --rm takes six RPCs also with an overlay and with files of its own", {}, async (gantry) => {
  const rpcs = ["Containers/Create 1", "Containers/Delete 1", ...["Create", "Delete", "Start", "Wait"].map(taskRpc)];
  const flags = ["--rm", "--rootfs", `${gantry.rootfs}:O`, "--dns", "::1", "--timeout", "1h", "--log", "none"];
  await assertRpcs(gantry, rpcs, async () => {
    const end = await gantry.gantry(["run", ...flags, ...sh("grep ' / ' /proc/mounts; exit 3")]);
    assert.deepEqual([end.code, end.err], [3, ""]);
    assert.match(end.out, /^overlay \/ overlay rw,/);
  });
});

function taskRpc(method: string): string {
  return `Tasks/${method} 1`;
}
