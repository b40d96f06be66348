/** What confines a container, read inside it: capabilities, filters, namespaces, masked paths. */
import assert from "node:assert/strict";
import { defaultCapabilities } from "../../lib/engine/spec/capability_set.ts";
import { readHostFacts } from "../../lib/engine/spec/host_facts.ts";
import { allCapabilities, capabilitiesOfMask } from "../../lib/wire/capabilities.ts";
import { exists, field, ok, sh, skip, specTest } from "../support/spec_container.ts";
import { firstReason } from "../support/test.ts";

specTest(
  "X03 the default container has docker's capabilities, a filter, and no host namespace but the user's",
  async (runner) => {
    const names = ["pid", "net", "ipc", "uts", "mnt"];
    const links = names.map((name) => `readlink /proc/self/ns/${name}`).join(";");
    const result = await runner.run(runner.options({ command: sh(`cat /proc/self/status; ${links}`) }));
    const output = ok(result);
    const { capabilities: available } = readHostFacts();
    const expected = allCapabilities.filter((name) => defaultCapabilities.includes(name) && available.includes(name));
    for (const set of ["CapBnd", "CapEff", "CapPrm"]) {
      assert.deepEqual(capabilitiesOfMask(field(output, set)), expected, set);
    }
    for (const set of ["CapInh", "CapAmb"]) assert.equal(field(output, set), "0000000000000000", set);
    assert.equal(field(output, "Seccomp"), "2");
    assert.equal(field(output, "NoNewPrivs"), "0");
    for (const [index, link] of output.trim().split("\n").slice(-names.length).entries()) {
      assert.notEqual(link, await Deno.readLink(`/proc/self/ns/${names[index]}`));
    }
    assert.deepEqual(result.warnings, []);
  },
);

specTest("X03 what tells about the host is masked or read-only", async (runner) => {
  const masked = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/sched_debug"];
  const present = masked.filter((path) => exists(path));
  const script = `
    for f in ${present.join(" ")}; do wc -c < $f; done
    ls /sys/firmware | wc -l
    for f in /proc/sys/kernel/domainname /proc/sysrq-trigger /proc/irq/default_smp_affinity; do
      (echo 1 > $f) 2>/dev/null && echo writable
    done
    touch /sys/fs/cgroup/x 2>/dev/null; ls /proc/acpi 2>/dev/null | wc -l
  `;
  const output = ok(await runner.run(runner.options({ command: sh(script) })));
  assert.deepEqual(output.trim().split("\n"), [...present.map(() => "0"), "0", "0"]);
  assert.ok(present.length >= 2, "this kernel has too little to mask");
});

specTest("a filtered call fails with EPERM and an ordinary one works", async (runner) => {
  const script = `
    unshare -U true 2>&1; unshare -m true 2>&1; mount -t tmpfs x /tmp 2>&1
    chroot / true && echo chroot; mknod /tmp/null c 1 3 && echo mknod
  `;
  const lines = ok(await runner.run(runner.options({ command: sh(script) }))).trim().split("\n");
  assert.match(lines[0] ?? "", /unshare.*Operation not permitted/);
  assert.match(lines[1] ?? "", /unshare.*Operation not permitted/);
  assert.match(lines[2] ?? "", /mount.*(permission denied|Operation not permitted)/i);
  assert.deepEqual(lines.slice(3), ["chroot", "mknod"]);
});

specTest("the filter looks at arguments: families of sockets, flags of clone, persons", async (runner, rootfs) => {
  await compileProbe(`${rootfs}/probe`);
  assert.deepEqual(JSON.parse(ok(await runner.run(runner.options({ command: ["/probe"] })))), {
    unix: 0,
    inet: 0,
    netlink: 0,
    nfc: "not EPERM",
    alg: "EPERM",
    vsock: "EPERM",
    fork: 0,
    cloneNewUser: "EPERM",
    clone3: "ENOSYS",
    personalityQuery: 0,
    personalityNoRandom: "EPERM",
    ioUring: "EPERM",
    keyctl: "EPERM",
  });
  const unconfined = runner.options({ command: ["/probe"], securityOpt: ["seccomp=unconfined"] });
  const free: unknown = JSON.parse(ok(await runner.run(unconfined)));
  assert.ok(typeof free === "object" && free !== null && "personalityNoRandom" in free);
  assert.equal(free.personalityNoRandom, 0);
}, firstReason(skip, needsCompiler()));

specTest("a privileged container has what the host can give, its devices, and nothing masked", async (runner) => {
  const host = readHostFacts();
  const script =
    `cat /proc/self/status; mount | grep -E ' (sysfs|cgroup2?) ' | grep -c '(ro'; ls -l /dev/kmsg | cut -c1`;
  const output = ok(await runner.run(runner.options({ privileged: true, command: sh(script) })));
  assert.deepEqual(capabilitiesOfMask(field(output, "CapEff")), host.capabilities);
  assert.equal(field(output, "Seccomp"), "0");
  assert.deepEqual(output.trim().split("\n").slice(-2), ["0", "c"]);
});

specTest("capabilities can be added, dropped and reduced to a few", async (runner) => {
  const capabilitiesOf = async (capAdd: readonly string[], capDrop: readonly string[]): Promise<readonly string[]> => {
    const options = runner.options({ capAdd, capDrop, command: ["cat", "/proc/self/status"] });
    return capabilitiesOfMask(field(ok(await runner.run(options)), "CapEff"));
  };
  assert.deepEqual(await capabilitiesOf(["net_admin"], ["ALL"]), ["CAP_NET_ADMIN"]);
  assert.ok(!(await capabilitiesOf([], ["CHOWN"])).includes("CAP_CHOWN"));
  // Also where the host lacks one (CAP_SYS_RESOURCE here): runc would fail to raise it.
  assert.deepEqual(await capabilitiesOf(["ALL"], []), readHostFacts().capabilities);
});

specTest("no-new-privileges, a profile of the user's own, and none at all reach the process", async (runner) => {
  const statusWith = async (...securityOpt: readonly string[]): Promise<string> =>
    ok(
      await runner.run(
        runner.options({ securityOpt, command: sh("cat /proc/self/status; mkdir /tmp/d$$ 2>&1; true") }),
      ),
    );
  assert.equal(field(await statusWith("no-new-privileges"), "NoNewPrivs"), "1");
  assert.equal(field(await statusWith("seccomp=unconfined"), "Seccomp"), "0");
  const profile = `${runner.directory}/profile.json`;
  await Deno.writeTextFile(
    profile,
    JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: [] }, {
        architecture: "SCMP_ARCH_AARCH64",
        subArchitectures: null,
      }],
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }],
    }),
  );
  assert.match(await statusWith(`seccomp=${profile}`), /No space left on device/);
});

/** gcc answers with the bare name when there is no such library. */
function needsCompiler(): string | undefined {
  const reason = "needs gcc and libc's static library";
  if (!exists("/usr/bin/gcc")) return reason;
  const { stdout } = new Deno.Command("/usr/bin/gcc", { args: ["-print-file-name=libc.a"] }).outputSync();
  return new TextDecoder().decode(stdout).startsWith("/") ? undefined : reason;
}

/** Makes system calls with the arguments that the filter looks at, and prints as JSON what came of each. */
async function compileProbe(path: string): Promise<void> {
  const source = new URL("../fixtures/seccomp_probe.c", import.meta.url).pathname;
  const { code, stderr } = await new Deno.Command("gcc", { args: ["-static", "-O1", "-o", path, source] }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}
