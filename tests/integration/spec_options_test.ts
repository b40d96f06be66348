/** Options of the process and of its files, seen from inside the container. */
import assert from "node:assert/strict";
import { parseDevice } from "../../lib/engine/spec/device_options.ts";
import { readHostFacts } from "../../lib/engine/spec/host_facts.ts";
import { findInit } from "../../lib/engine/spec/init_program.ts";
import { parseTmpfs, parseVolume } from "../../lib/engine/spec/mount_options.ts";
import { parseAddHost } from "../../lib/engine/spec/network_options.ts";
import { parseUlimit } from "../../lib/engine/spec/ulimits.ts";
import { exists, field, ok, sh, skip, specTest } from "../support/spec_container.ts";
import { firstReason } from "../support/test.ts";
import { gantryError } from "../unit/engine/spec_fixtures.ts";

const host = readHostFacts();
const isStrong = host.capabilities.includes("CAP_SYS_RESOURCE");

/** A device that can be opened without consequences, if the host has one. */
const device = ["/dev/fuse", "/dev/loop-control", "/dev/net/tun"].find(exists);

specTest("limits of processes are what was given, and above ours only with CAP_SYS_RESOURCE", async (runner) => {
  const ulimits = ["nofile=1024:2048", "core=-1", "nproc=500", "stack=4194304:8388608"].map(parseUlimit);
  const limits = ok(await runner.run(runner.options({ ulimits, command: ["cat", "/proc/self/limits"] })));
  const row = (name: string): string => new RegExp(`^Max ${name} +(\\S+ +\\S+)`, "m").exec(limits)?.[1] ?? "";
  assert.match(row("open files"), /^1024 +2048$/);
  assert.match(row("core file size"), /^unlimited +unlimited$/);
  assert.match(row("processes"), /^500 +500$/);
  assert.match(row("stack size"), /^4194304 +8388608$/);
  const tooMuch = runner.options({ ulimits: [{ name: "nofile", soft: 1024, hard: host.maxOpenFiles + 1 }] });
  await assert.rejects(runner.run(tooMuch), gantryError("failed_precondition", /--ulimit nofile=1024:/));
});

specTest(
  "the score for the OOM killer is what was given, and below ours only with CAP_SYS_RESOURCE",
  async (runner) => {
    const scoreWith = async (oomScoreAdj: number): Promise<string> =>
      ok(await runner.run(runner.options({ oomScoreAdj, command: ["cat", "/proc/self/oom_score_adj"] }))).trim();
    assert.equal(await scoreWith(300), "300");
    assert.equal(await scoreWith(1000), "1000");
    if (isStrong) {
      assert.equal(await scoreWith(-500), "-500");
    } else {
      await assert.rejects(
        scoreWith(host.oomScoreAdj - 1),
        gantryError("failed_precondition", /--oom-score-adj .*no CAP_SYS_RESOURCE/),
      );
    }
  },
);

specTest("shared memory has the size that was given", async (runner) => {
  const options = runner.options({
    shmSize: 8 * 2 ** 20,
    command: sh("df -k /dev/shm | tail -1; grep shm /proc/mounts"),
  });
  const [size, mount] = ok(await runner.run(options)).trim().split("\n");
  assert.match(size ?? "", /^shm +8192 /);
  assert.match(mount ?? "", /nosuid,nodev,noexec/);
});

specTest("groups are added by name and by number", async (runner) => {
  const groupsOf = async (user: string | undefined): Promise<string> =>
    field(
      ok(
        await runner.run(
          runner.options({ user, groupAdd: ["staff", "1234", "0"], command: ["cat", "/proc/self/status"] }),
        ),
      ),
      "Groups",
    );
  assert.equal(await groupsOf(undefined), "0 50 1234");
  assert.equal(await groupsOf("nobody:nogroup"), "0 50 1234 65534");
  await assert.rejects(
    runner.run(runner.options({ groupAdd: ["stuff"] })),
    gantryError("not_found", /unable to find group stuff/, /staff/),
  );
});

specTest("a device is there, under another name, and allows what was allowed", async (runner) => {
  const devices = [parseDevice(`${device}:/dev/mine/x:r`)];
  const script = `
    stat -c '%F %t %T' /dev/mine/x; : < /dev/mine/x && echo read; (: > /dev/mine/x) 2>&1; test -e ${device} || echo absent
  `;
  const lines = ok(await runner.run(runner.options({ devices, command: sh(script) }))).trim().split("\n");
  const info = await Deno.stat(device ?? "");
  const [major, minor] = [(info.rdev ?? 0) >> 8, (info.rdev ?? 0) & 0xff];
  assert.equal(lines[0], `character special file ${major.toString(16)} ${minor.toString(16)}`);
  assert.equal(lines[1], "read");
  assert.match(lines[2] ?? "", /Operation not permitted/);
  assert.equal(lines[3], "absent");
  const all = runner.options({ devices: [parseDevice(device ?? "")], command: sh(`: > ${device} && echo written`) });
  assert.equal(ok(await runner.run(all)), "written\n");
}, firstReason(skip, device === undefined ? "no device to try" : undefined));

specTest("a directory of devices comes with all that is below it, and a file is no device", async (runner) => {
  const directory = `${runner.directory}/devices`;
  await Deno.mkdir(`${directory}/inner`, { recursive: true });
  await Deno.writeTextFile(`${directory}/file`, "");
  await Deno.symlink("/dev/kmsg", `${directory}/link`);
  for (const [path, minor] of [["inner/full", "7"], ["zero", "5"]] as const) {
    const { success } = await new Deno.Command("mknod", { args: [`${directory}/${path}`, "c", "1", minor] }).output();
    assert.ok(success);
  }
  await Deno.symlink(directory, `${runner.directory}/to-devices`);
  const devices = [parseDevice(`${runner.directory}/to-devices:/dev/mine`)];
  const script = "find /dev/mine ! -type d | sort; head -c 2 /dev/mine/zero | wc -c";
  const found = ok(await runner.run(runner.options({ devices, command: sh(script) })));
  assert.equal(found, "/dev/mine/inner/full\n/dev/mine/zero\n2\n");
  const cases: Readonly<Record<string, ReturnType<typeof gantryError>>> = {
    "/dev/no/such": gantryError("not_found", /--device \/dev\/no\/such does not exist/),
    "/etc/passwd": gantryError("failed_precondition", /--device \/etc\/passwd is not a device/, /-v/),
    [`${runner.directory}/empty`]: gantryError("failed_precondition", /is a directory without devices/),
  };
  await Deno.mkdir(`${runner.directory}/empty`);
  for (const [path, check] of Object.entries(cases)) {
    await assert.rejects(runner.run(runner.options({ devices: [parseDevice(path)] })), check, path);
  }
});

specTest("a privileged container gets a device under a further name", async (runner) => {
  const devices = [parseDevice("/dev/null:/dev/void:r")];
  const result = await runner.run(
    runner.options({ devices, privileged: true, command: sh("echo > /dev/void && ls /dev/kmsg") }),
  );
  assert.equal(ok(result), "/dev/kmsg\n");
  assert.match(result.warnings.join(), /access r has no effect together with --privileged/);
});

const init = await findInit(true).catch(() => undefined);

specTest("an init is process 1, reaps what nobody waits for, and passes the exit code on", async (runner, rootfs) => {
  // The inner shell ends at once, so its sleep is adopted by process 1 and ends while the outer shell still runs.
  const script = `
    echo self=$$; tr '\\0' ' ' < /proc/1/cmdline; echo
    (sleep 0.1 &); sleep 0.5
    grep -l '^State:.Z' /proc/[0-9]*/status; echo zombies; exit 7
  `;
  const result = await runner.run(runner.options({ init: true, readOnly: true, command: sh(script) }));
  const lines = result.stdout.trim().split("\n");
  assert.equal(result.code, 7, result.stderr);
  assert.doesNotMatch(lines[0] ?? "", /^self=1$/);
  assert.match(lines[1] ?? "", /^\/dev\/init -- sh -c /);
  assert.equal(lines.at(-1), "zombies");
  assert.equal(lines.some((line) => line.startsWith("/proc/")), false, result.stdout);
  assert.equal(exists(`${rootfs}/dev/init`), false);
  const given = await runner.run(runner.options({ init: init ?? "", command: ["readlink", "/proc/1/exe"] }));
  assert.equal(ok(given), "/dev/init\n");
}, firstReason(skip, init === undefined ? "no static init program on this host" : undefined));

specTest("without an init the command is process 1", async (runner) => {
  assert.equal(ok(await runner.run(runner.options({ command: sh("echo $$") }))), "1\n");
});

specTest("an init that could not run in the container is refused", async (runner) => {
  const init = (path: string): Promise<unknown> => runner.run(runner.options({ init: path }));
  await assert.rejects(init("/no/such"), gantryError("not_found", /init program \/no\/such/));
  await assert.rejects(init("/etc/passwd"), gantryError("failed_precondition", /not a program/));
  await assert.rejects(init("/bin/sh"), gantryError("failed_precondition", /dynamically linked/, /tini-static/));
  await assert.rejects(init("tini"), gantryError("invalid_argument", /not absolute/));
});

specTest(
  "resolv.conf, hosts and hostname are the container's own when something is asked of them",
  async (runner, rootfs) => {
    const script =
      "cat /etc/resolv.conf; echo --; cat /etc/hosts; echo --; cat /etc/hostname; echo changed >> /etc/hosts";
    const result = await runner.run(runner.options({
      hostname: "web",
      dns: ["10.0.0.53", "fd00::53"],
      dnsSearch: ["example.com", "corp"],
      dnsOption: ["ndots:2"],
      addHost: [parseAddHost("db:10.0.0.7"), parseAddHost("db6:[fd00::7]")],
      command: sh(script),
    }));
    const [resolver, hosts, name] = ok(result).split("--\n");
    assert.equal(resolver, "nameserver 10.0.0.53\nnameserver fd00::53\nsearch example.com corp\noptions ndots:2\n");
    assert.match(hosts ?? "", /^127\.0\.0\.1\tlocalhost\n/);
    assert.match(hosts ?? "", /\n127\.0\.0\.1\tweb\n10\.0\.0\.7\tdb\nfd00::7\tdb6\n$/);
    assert.equal(name, "web\n");
    // Only mount points are left in the user's directory.
    assert.equal((await Deno.stat(`${rootfs}/etc/hosts`)).size, 0);
    const readOnly = runner.options({ readOnly: true, dns: ["::1"], command: sh("echo x >> /etc/resolv.conf") });
    assert.match((await runner.run(readOnly)).stderr, /Read-only file system/);
  },
);

specTest("in the host's network the files are the host's, with what was asked for over them", async (runner) => {
  const options = runner.options({
    network: "host",
    dnsSearch: ["."],
    addHost: [parseAddHost("me:host-gateway")],
    command: sh("cat /etc/resolv.conf; echo --; cat /etc/hosts"),
  });
  const [resolver, hosts] = ok(await runner.run(options)).split("--\n");
  const own = exists("/etc/resolv.conf") ? await Deno.readTextFile("/etc/resolv.conf") : "";
  const servers = (text: string): readonly string[] => text.split("\n").filter((line) => line.startsWith("nameserver"));
  assert.deepEqual(servers(resolver ?? ""), servers(own));
  assert.doesNotMatch(resolver ?? "", /^(search|domain)/m);
  assert.match(hosts ?? "", /\n127\.0\.0\.1\tme\n$/);
  for (const line of (await Deno.readTextFile("/etc/hosts")).split("\n")) assert.ok(hosts?.includes(line), line);
});

specTest("a mount of the user's at one of the files wins, with a warning", async (runner) => {
  const file = `${runner.directory}/hosts`;
  await Deno.writeTextFile(file, "mine\n");
  const result = await runner.run(runner.options({
    mounts: [parseVolume(`${file}:/etc/hosts`)],
    addHost: [parseAddHost("db:10.0.0.7")],
    command: ["cat", "/etc/hosts", "/etc/hostname"],
  }));
  assert.match(ok(result), /^mine\n[0-9a-f]{12}\n$/);
  assert.match(result.warnings.join(), /--add-host has no effect: a mount of yours is at \/etc\/hosts/);
});

specTest("system paths can be left as they are", async (runner) => {
  const command = sh("grep -c ' /proc/' /proc/mounts; wc -c < /proc/timer_list");
  const masked = await runner.run(runner.options({ command }));
  assert.equal(masked.stdout.trim().split("\n")[1], "0");
  const free = await runner.run(runner.options({ securityOpt: ["systempaths=unconfined", "label=disable"], command }));
  assert.equal(free.stdout.trim().split("\n")[0], "0");
  assert.equal(field(ok(await runner.run(runner.options({ command: ["cat", "/proc/self/status"] }))), "Seccomp"), "2");
});

specTest("--shm-size and --init do not go with mounts of the user's at their place", async (runner) => {
  const mounts = [parseTmpfs("/dev")];
  await assert.rejects(
    runner.run(runner.options({ mounts, shmSize: 1e6 })),
    gantryError("invalid_argument", /--shm-size cannot be combined with a mount at \/dev/),
  );
  if (init === undefined) return;
  await assert.rejects(
    runner.run(runner.options({ mounts, init: true })),
    gantryError("invalid_argument", /--init cannot be combined with a mount at \/dev/),
  );
});
