/** Namespaces, kernel parameters and cgroup paths, seen from inside the container. */
import assert from "node:assert/strict";
import { readHostFacts } from "../../lib/engine/spec/host_facts.ts";
import type { ContainerOptions } from "../../lib/engine/container_options.ts";
import { newId } from "../../lib/wire/identifier.ts";
import type { RuncRunner } from "../support/runc_bundle.ts";
import { exists, ok, sh, specTest } from "../support/spec_container.ts";
import { gantryError } from "../unit/engine/spec_fixtures.ts";

const host = readHostFacts();
const types = ["pid", "ipc", "uts", "net", "cgroup"] as const;

/** Which of the namespaces a container shares with the host. */
async function sharedWith(runner: RuncRunner, options: Partial<ContainerOptions>): Promise<readonly string[]> {
  const command = sh(types.map((type) => `readlink /proc/self/ns/${type}`).join(";"));
  const links = ok(await runner.run(runner.options({ ...options, command }))).trim().split("\n");
  const ours = await Promise.all(types.map((type) => Deno.readLink(`/proc/self/ns/${type}`)));
  return types.filter((_, index) => links[index] === ours[index]);
}

specTest("X03 a namespace is the host's only when it is asked for", async (runner) => {
  const cgroup = host.cgroup.mode === "v2" ? [] : ["cgroup"];
  assert.deepEqual(await sharedWith(runner, {}), cgroup);
  assert.deepEqual(await sharedWith(runner, { pid: "private", ipc: "private", uts: "private" }), cgroup);
  assert.deepEqual(await sharedWith(runner, { pid: "host" }), ["pid", ...cgroup]);
  assert.deepEqual(await sharedWith(runner, { ipc: "host" }), ["ipc", ...cgroup]);
  assert.deepEqual(await sharedWith(runner, { uts: "host" }), ["uts", ...cgroup]);
  assert.deepEqual(await sharedWith(runner, { cgroupns: "private" }), []);
  const all = { pid: "host", ipc: "host", uts: "host", network: "host", cgroupns: "host" } as const;
  assert.deepEqual(await sharedWith(runner, all), types);
});

specTest("in the host's pid namespace its processes are seen", async (runner) => {
  const options = runner.options({ pid: "host", command: sh(`tr '\\0' ' ' < /proc/${Deno.pid}/cmdline`) });
  assert.match(ok(await runner.run(options)), /deno/);
  const init = runner.options({ pid: "host", init: true });
  await assert.rejects(runner.run(init), (error) => /--init/.test(String(error)));
});

specTest("in the host's ipc namespace the shared memory is the host's", async (runner) => {
  const path = `/dev/shm/gantry-${newId().slice(0, 12)}`;
  await Deno.writeTextFile(path, "here\n");
  try {
    const options = runner.options({ ipc: "host", command: sh(`cat ${path}; grep ' /dev/shm ' /proc/mounts`) });
    const [content, mount] = ok(await runner.run(options)).trim().split("\n");
    assert.equal(content, "here");
    assert.match(mount ?? "", /nosuid,nodev,noexec/);
  } finally {
    await Deno.remove(path);
  }
});

specTest("in the host's uts namespace the name is the host's, and cannot be given", async (runner) => {
  const result = await runner.run(runner.options({ uts: "host", command: sh("hostname; echo $HOSTNAME") }));
  assert.equal(ok(result), `${Deno.hostname()}\n${Deno.hostname()}\n`);
  assert.equal(result.spec.hostname, undefined);
  await assert.rejects(
    runner.run(runner.options({ uts: "host", hostname: "x" })),
    gantryError("invalid_argument", /--hostname cannot be combined with --uts host/),
  );
});

specTest("kernel parameters of the container's own namespaces are set in it and not on the host", async (runner) => {
  const sysctls = {
    "net.core.somaxconn": "1234",
    "net.ipv4.ip_unprivileged_port_start": "80",
    "kernel.shmmax": "65536",
    "kernel.sem": "32000 1024000000 500 32001",
    "kernel.domainname": "example.com",
    ...(exists("/proc/sys/fs/mqueue/msg_max") ? { "fs.mqueue.msg_max": "11" } : {}),
  };
  const paths = Object.keys(sysctls).map((name) => `/proc/sys/${name.replaceAll(".", "/")}`);
  const before = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  const result = await runner.run(runner.options({ sysctls, command: ["cat", ...paths] }));
  assert.deepEqual(ok(result).trim().replaceAll("\t", " ").split("\n"), Object.values(sysctls));
  assert.deepEqual(await Promise.all(paths.map((path) => Deno.readTextFile(path))), before);
  await assert.rejects(
    runner.run(runner.options({ sysctls: { "net.ipv4.no_such_thing": "1" } })),
    gantryError("failed_precondition", /--sysctl net\.ipv4\.no_such_thing: this kernel has no such parameter/),
  );
});

specTest("the cgroup is made below the parent that was given", async (runner) => {
  const parent = `gantry-spec-parent-${newId().slice(0, 12)}`;
  const result = await runner.run(
    runner.options({ cgroupParent: parent, cgroupns: "host", command: ["cat", "/proc/self/cgroup"] }),
  );
  const lines = ok(result).trim().split("\n").filter((line) => !/:name=|^0::\/$/.test(line));
  assert.ok(lines.length > 0);
  for (const line of lines) assert.match(line, new RegExp(`:/${parent}/[0-9a-f]{64}$`));
});

specTest("with a cgroup namespace of its own a container sees only its own cgroup", async (runner) => {
  const options = runner.options({ cgroupns: "private", memory: 64 * 2 ** 20, command: ["cat", "/proc/self/cgroup"] });
  const lines = ok(await runner.run(options)).trim().split("\n");
  for (const line of lines) assert.match(line, /:\/$/);
});
