import assert from "node:assert/strict";
import { gantryTest, sh } from "../support/gantry.ts";

gantryTest("T12 a name is unique, and free again as soon as its container is gone", {}, async (gantry) => {
  const args = ["run", "--rm", "--name", "x1", "--rootfs", gantry.rootfs, ...sh("echo hi")];
  for (let round = 0; round < 2; round++) {
    const end = await gantry.gantry(args);
    assert.deepEqual([end.code, end.out, end.err], [0, "hi\n", ""]);
  }
  const many = await Promise.all(
    Array.from({ length: 6 }, () => gantry.gantry(["run", "--name", "same", "--rootfs", gantry.rootfs, ...sh("true")])),
  );
  assert.deepEqual(many.map(({ code }) => code).sort((a, b) => a - b), [0, 125, 125, 125, 125, 125]);
  for (const { code, err } of many) if (code !== 0) assert.match(err, /name same (is in use|was taken)/);
  assert.equal((await gantry.containers()).length, 1);
  assert.equal((await gantry.gantry(["rm", "same"])).code, 0);
});

gantryTest("T12 containers are found by name, id and unique start of an id; an ambiguous one lists them", {
  versions: ["1.6"],
}, async (gantry) => {
  const started = await Promise.all(
    ["aa", "bb"].map((name) =>
      gantry.gantry(["run", "-d", "--name", name, "--rootfs", gantry.rootfs, "--", "sleep", "100"])
    ),
  );
  const ids = started.map(({ out }) => out.trim());
  // A container of another client, whose id starts as ours does.
  const [first = "", second = ""] = ids;
  const twin = `${first.slice(0, 20)}x`;
  await gantry.ctr("containers", "create", "--rootfs", gantry.rootfs, twin);
  const ambiguous = await gantry.gantry(["rm", "-f", first.slice(0, 12)]);
  assert.equal(ambiguous.code, 1);
  assert.match(ambiguous.err, /matches 2 containers\nhint: .*more of the id/);
  assert.equal((await gantry.gantry(["rm", "-f", twin, first, "bb"])).out, `${twin}\n${first}\nbb\n`);
  assert.notEqual(second, "");
});

gantryTest("T12 bad names and ids reach no path", { versions: ["1.6"] }, async (gantry) => {
  for (const name of ["../x", "a/b", "a".repeat(129), "", "-x", ".x", "a b", "x\ny"]) {
    const end = await gantry.gantry(["run", `--name=${name}`, "--rootfs", gantry.rootfs, "--", "true"]);
    assert.equal(end.code, 125, JSON.stringify(name));
    assert.match(end.err, /is not a container name|characters long/);
  }
  for (const id of ["../x", "a".repeat(77), "a__b", "..", "/etc"]) {
    const end = await gantry.gantry(["rm", id]);
    assert.equal(end.code, 1, JSON.stringify(id));
    assert.match(end.err, /no container|neither a name nor an id/);
  }
  assert.deepEqual(await gantry.remains(), []);
});

gantryTest("T13 a create or start that fails leaves nothing", {}, async (gantry) => {
  const { rootfs } = gantry;
  const cases = [
    ["--", "nope"],
    ["--", "/etc"],
    ["-w", "/etc/passwd", "--", "true"],
    ["--mount", `type=bind,source=${rootfs},target=/etc/passwd`, "--", "true"],
    ["-u", "nobody-there", "--", "true"],
    ["--security-opt", "seccomp=/nope", "--", "true"],
  ];
  await Promise.all(
    cases.flatMap((args) =>
      [["--rm"], ["--name", `n${cases.indexOf(args)}`], ["-d"]].map(async (how) => {
        const end = await gantry.gantry(["run", ...how, "--rootfs", `${rootfs}:O`, ...args]);
        assert.ok([125, 126, 127].includes(end.code), `${how} ${args}: ${end.code} ${end.err}`);
        assert.equal(end.out, "");
      })
    ),
  );
  await gantry.assertEmpty();
});

gantryTest("T13 gantry killed while it makes a container disturbs nobody: names are free, the rest can be removed", {
  timeoutMs: 240_000,
}, async (gantry) => {
  for (const ms of [5, 30, 60, 90, 120, 160, 220]) {
    await using program = gantry.start(["run", "--name", "cut", "--rootfs", `${gantry.rootfs}:O`, ...sh("sleep 100")]);
    await new Promise((resolve) => setTimeout(resolve, ms));
    program.signal("SIGKILL");
    await program.ended();
    const again = await gantry.gantry(["run", "--rm", "--name", "cut", "--rootfs", gantry.rootfs, ...sh("echo hi")]);
    if (again.code !== 0) {
      assert.match(again.err, /name cut is in use/, `killed after ${ms} ms`);
      assert.deepEqual((await gantry.gantry(["rm", "-f", "cut"])).code, 0);
      assert.equal((await gantry.run(["--name", "cut", ...sh("true")])).code, 0);
    }
    // What was not named yet, or lost its name to the second run, is found in the list.
    const left = await gantry.containers();
    if (left.length > 0) assert.equal((await gantry.gantry(["rm", "-f", ...left])).code, 0);
  }
  // The next one to make a container clears away what dead makers left on disk.
  assert.equal((await gantry.run(sh("true"))).code, 0);
});

gantryTest(
  "T15 run --rm --rootfs takes six RPCs, counted by containerd itself",
  { needs: "containerd" },
  async (gantry) => {
    const before = await gantry.containerd.rpcCounts();
    const end = await gantry.run(sh("exit 3"));
    assert.equal(end.code, 3, end.err);
    const after = await gantry.containerd.rpcCounts();
    const counted = [...after].map(([rpc, count]) => [rpc, count - (before.get(rpc) ?? 0)] as const)
      .filter(([, count]) => count > 0).sort();
    assert.deepEqual(counted, [
      ["containerd.services.containers.v1.Containers/Create", 1],
      ["containerd.services.containers.v1.Containers/Delete", 1],
      ["containerd.services.tasks.v1.Tasks/Create", 1],
      ["containerd.services.tasks.v1.Tasks/Delete", 1],
      ["containerd.services.tasks.v1.Tasks/Start", 1],
      ["containerd.services.tasks.v1.Tasks/Wait", 1],
    ]);
    const dry = await gantry.run(["--dry-run", ...sh("exit 3")]);
    assert.deepEqual(JSON.parse(dry.out).rpcs.toSorted(), counted.map(([rpc]) => rpc));
  },
);

gantryTest("T16 what the command line does not understand is 125 with the nearest right name, and nothing is done", {
  versions: ["2.1"],
}, async (gantry) => {
  const cases = [
    [["run", "--rotfs", gantry.rootfs, "--", "true"], /--rootfs/],
    [["rnu", "--rootfs", gantry.rootfs, "--", "true"], /run/],
    [["run", "--rootfs"], /--rootfs.*value/],
    [["run", "--rootfs", gantry.rootfs, "--cpus", "many", "--", "true"], /"many" is not a number/],
    [["run", "--rootfs", gantry.rootfs, "-m", "12q", "--", "true"], /"12q" is not a size/],
    [["run", "--rootfs", gantry.rootfs, "--network", "hots", "--", "true"], /did you mean host/],
    [["run", "--rootfs", gantry.rootfs, "--cap-add", "NET_ADMN", "--", "true"], /NET_ADMIN/],
    [["rm"], /CONTAINER/],
    [["ps", "extra"], /extra/],
  ] as const;
  await Promise.all(cases.map(async ([args, message]) => {
    const end = await gantry.gantry(args);
    assert.equal(end.code, 125, `${args.join(" ")}: ${end.err}`);
    assert.match(end.err, message);
    assert.equal(end.out, "");
  }));
  const json = await gantry.gantry(["run", "--json", "--rotfs", gantry.rootfs]);
  assert.deepEqual([json.code, JSON.parse(json.err).code], [125, "invalid_argument"]);
  assert.deepEqual(await gantry.remains(), []);
});

gantryTest(
  "X03 a container has docker's capabilities, seccomp, masks and namespaces of its own",
  {},
  async (gantry) => {
    const script =
      "grep -E '^(CapEff|CapBnd|Seccomp|NoNewPrivs):' /proc/self/status; readlink /proc/self/ns/net /proc/self/ns/pid " +
      "/proc/self/ns/ipc /proc/self/ns/uts /proc/self/ns/mnt; cat /proc/interrupts | wc -c; echo 1 >/proc/sys/kernel/core_pattern";
    const end = await gantry.run(sh(`${script} || echo refused`));
    assert.equal(end.code, 0, end.err);
    // docker's fourteen: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw,
    // sys_chroot, mknod, audit_write, setfcap.
    assert.match(end.out, /CapEff:\t00000000a80425fb\n/);
    assert.match(end.out, /CapBnd:\t00000000a80425fb\n/);
    assert.match(end.out, /Seccomp:\t2\n/);
    const ours = await Promise.all(
      ["net", "pid", "ipc", "uts", "mnt"].map((kind) => Deno.readLink(`/proc/self/ns/${kind}`)),
    );
    for (const namespace of ours) assert.ok(!end.out.includes(namespace), `${namespace} is the host's`);
    assert.match(end.out, /\n0\nrefused\n$/, "interrupts read as nothing, /proc/sys is read-only");
    const open = await gantry.run(["--network", "host", ...sh("readlink /proc/self/ns/net")]);
    assert.equal(open.out.trim(), ours[0], "unless asked");
  },
);
