/** Specs as runc makes containers of them: what a container really has is read inside it. */
import assert from "node:assert/strict";
import { readHostFacts } from "../../lib/engine/spec/host_facts.ts";
import { parseMount, parseTmpfs, parseVolume } from "../../lib/engine/spec/mount_options.ts";
import { exists, ok, sh, specTest } from "../support/spec_container.ts";

specTest("X03 the default mounts are docker's", async (runner) => {
  const mounts = ok(await runner.run(runner.options({ command: ["cat", "/proc/self/mounts"] }))).trim().split("\n");
  const at = (target: string): string => mounts.find((line) => line.split(" ")[1] === target) ?? "";
  assert.match(at("/proc"), /^proc \/proc proc rw,nosuid,nodev,noexec/);
  assert.match(at("/dev"), /^tmpfs \/dev tmpfs rw,nosuid,size=65536k,mode=755/);
  assert.match(at("/dev/pts"), /^devpts .*nosuid,noexec.*gid=5,mode=620,ptmxmode=666/);
  assert.match(at("/sys"), /^sysfs \/sys sysfs ro,nosuid,nodev,noexec/);
  assert.match(at("/dev/mqueue"), /^mqueue .*nosuid,nodev,noexec/);
  assert.match(at("/dev/shm"), /^shm \/dev\/shm tmpfs rw,nosuid,nodev,noexec.*size=65536k/);
  const cgroups = mounts.filter((line) => / cgroup2? /.test(line));
  assert.ok(cgroups.length > 0);
  for (const line of cgroups) assert.match(line, / cgroup2? ro,/);
});

specTest("T12 host name, variables, working directory and arguments arrive as they are", async (runner) => {
  const options = runner.options({
    command: ["sh", "-c", 'hostname; pwd; env; echo "$@"', "x", "a b", "ü"],
    env: ["A=1", "B=two words", "A=2"],
    cwd: "/made/for/it",
  });
  const result = await runner.run(options);
  const lines = ok(result).trim().split("\n");
  assert.equal(lines[0], result.spec.hostname);
  assert.match(lines[0] ?? "", /^[0-9a-f]{12}$/);
  assert.equal(lines[1], "/made/for/it");
  for (const line of [`HOSTNAME=${lines[0]}`, "A=2", "B=two words", "HOME=/root"]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(lines.includes("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
  assert.ok(!lines.some((line) => line.startsWith("TERM=")));
  assert.equal(lines.at(-1), "a b ü");
});

specTest(
  "a user is looked up in the container's files and has its groups, home, and no effective capability",
  async (runner) => {
    const idsOf = async (user: string): Promise<string> => {
      const script = "id -u; id -g; grep Groups /proc/self/status; echo $HOME; grep CapEff /proc/self/status";
      return ok(await runner.run(runner.options({ user, command: sh(script) }))).trim().replaceAll(/\s+/g, " ");
    };
    assert.equal(await idsOf("nobody"), "65534 65534 Groups: 50 65534 / CapEff: 0000000000000000");
    assert.equal(await idsOf("nobody:staff"), "65534 50 Groups: 50 / CapEff: 0000000000000000");
    assert.equal(await idsOf("1234:5678"), "1234 5678 Groups: 5678 / CapEff: 0000000000000000");
  },
);

specTest("T10 limits are in the control groups of the container", async (runner) => {
  const host = readHostFacts();
  const files = host.cgroup.mode === "v2"
    ? ["memory.max", "memory.swap.max", "cpu.max", "pids.max"]
    : ["memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes", "cpu/cpu.cfs_quota_us", "pids/pids.max"];
  const script = files.map((file) => `cat /sys/fs/cgroup/${file} 2>/dev/null || echo none`).join(";");
  const limits = { memory: 64 * 1024 * 1024, cpus: 0.5, pidsLimit: 20 };
  const output = ok(await runner.run(runner.options({ ...limits, command: sh(script) }))).trim().split("\n");
  const swap = host.cgroup.mode === "v2" ? "67108864" : "134217728";
  const quota = host.cgroup.mode === "v2" ? "50000 100000" : "50000";
  assert.deepEqual(output, ["67108864", host.cgroup.swap ? swap : "none", quota, "20"]);
});

specTest("T04 the terminal has its size before the program's first look", async (runner, rootfs) => {
  const options = runner.options({
    tty: true,
    consoleSize: { width: 123, height: 45 },
    command: sh("{ stty size; echo $TERM; test -t 0 && test -t 2 && echo tty; } > /tmp/out"),
  });
  const result = await runner.runOnTerminal(options);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(await Deno.readTextFile(`${rootfs}/tmp/out`), "45 123\nxterm\ntty\n");
});

specTest(
  "mounts are where they were asked for, inner ones over outer ones, and writable only if they should be",
  async (runner) => {
    const source = `${runner.directory}/source`;
    await Deno.mkdir(`${source}/inner`, { recursive: true });
    await Deno.writeTextFile(`${source}/file`, "from the host\n");
    const script = `
    cat /data/file; touch /data/x 2>&1; echo inner > /data/inner/y; cat /one
    touch /scratch/z && stat -c %a /scratch; grep ' /scratch ' /proc/self/mounts | cut -d' ' -f4
    touch /dev/shm/q && grep -c ' /dev/shm ' /proc/self/mounts
  `;
    const result = await runner.run(runner.options({
      command: sh(script),
      mounts: [
        // The inner one first: it must not disappear under the outer one.
        parseMount(`type=bind,source=${source}/inner,target=/data/inner`),
        parseVolume(`${source}:/data:ro`),
        parseVolume(`${source}/file:/one:ro`),
        parseTmpfs("/scratch:size=1m,mode=1777"),
        parseTmpfs("/dev/shm:size=2m,exec"),
      ],
    }));
    const lines = ok(result).trim().split("\n");
    assert.equal(lines[0], "from the host");
    assert.match(lines[1] ?? "", /Read-only file system/);
    assert.equal(lines[2], "from the host");
    assert.equal(lines[3], "1777");
    assert.match(lines[4] ?? "", /^rw,nosuid,nodev,noexec,.*size=1024k/);
    assert.equal(lines[5], "1");
    assert.equal(await Deno.readTextFile(`${source}/inner/y`), "inner\n");
  },
);

specTest("a read-only root refuses writes but has its tmpfs", async (runner) => {
  const script = "touch /x 2>&1; touch /tmp/y 2>&1 && echo wrote; touch /dev/shm/z && echo shm";
  const options = runner.options({ readOnly: true, mounts: [parseTmpfs("/tmp")], command: sh(script) });
  const lines = ok(await runner.run(options)).trim().split("\n");
  assert.match(lines[0] ?? "", /Read-only file system/);
  assert.deepEqual(lines.slice(1), ["wrote", "shm"]);
});

specTest("the host's network comes with its name and its resolver files; none has only a loopback", async (runner) => {
  const script =
    "readlink /proc/self/ns/net; hostname; ls /sys/class/net | wc -l; grep -c /etc/hosts /proc/self/mounts";
  const host = ok(await runner.run(runner.options({ network: "host", command: sh(`${script}; true`) }))).trim().split(
    "\n",
  );
  assert.equal(host[0], await Deno.readLink("/proc/self/ns/net"));
  assert.equal(host[1], Deno.hostname());
  assert.equal(host[3], exists("/etc/hosts") ? "1" : "0");
  const none = ok(await runner.run(runner.options({ command: sh(`ls /sys/class/net; ${script}; true`) })));
  const lines = none.trim().split("\n");
  assert.equal(lines[0], "lo");
  assert.equal(lines.at(-2), "1");
  assert.equal(lines.at(-1), "0");
});

specTest("a spec file is run with what the command line gives over it", async (runner) => {
  const specFile = `${runner.directory}/config.json`;
  const { spec } = await runner.run(runner.options());
  await Deno.writeTextFile(
    specFile,
    JSON.stringify({
      ...spec,
      hostname: "from-file",
      root: { path: "/nowhere" },
      process: { ...spec.process, env: ["PATH=/bin:/usr/bin", "A=file", "B=file"], args: ["env"], terminal: true },
    }),
  );
  const asIs = await runner.run(runner.options({ specFile, command: [] }));
  assert.match(ok(asIs), /^A=file$/m);
  assert.match(asIs.warnings.join(), /asks for a terminal; give -t/);
  const changed = runner.options({ specFile, command: sh("hostname; env; pwd"), env: ["A=flag"], cwd: "/tmp" });
  const lines = ok(await runner.run(changed)).trim().split("\n");
  assert.equal(lines[0], "from-file");
  for (const line of ["A=flag", "B=file", "PWD=/tmp", "/tmp"]) assert.ok(lines.includes(line), line);
});
