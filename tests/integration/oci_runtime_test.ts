/** `--oci-runtime`: another program in place of runc, whoever runs the shims. */
import assert from "node:assert/strict";
import { gantryTest, sh } from "../support/gantry.ts";
import { exists } from "../support/container_remains.ts";
import { testRuntime } from "../support/test_runtime.ts";

const crun = await exists("/usr/bin/crun") ? undefined : "there is no crun";
const isHybrid = await exists("/sys/fs/cgroup/unified/cgroup.procs");

gantryTest("--oci-runtime is what makes the container, now and at its next start", {}, async (gantry) => {
  const runtime = `${gantry.directory}/my-runc`;
  const calls = `${gantry.directory}/calls`;
  await Deno.writeTextFile(runtime, `#!/bin/sh\necho "$@" >>${calls}\nexec runc "$@"\n`, { mode: 0o755 });
  const args = ["--name", "web", "--rootfs", gantry.rootfs, "--oci-runtime", runtime, ...sh("exit 5")];
  assert.equal((await gantry.gantry(["run", ...args])).code, 5);
  assert.match(await Deno.readTextFile(calls), / create /);
  await Deno.remove(calls);
  assert.equal((await gantry.gantry(["start", "-a", "web"])).code, 5);
  assert.match(await Deno.readTextFile(calls), / create /);
  const { out } = await gantry.gantry(["inspect", "--format", "{{.HostConfig.Runtime}}", "web"]);
  assert.equal(out, `${runtime}\n`);
  assert.equal((await gantry.gantry(["rm", "web"])).code, 0);
});

gantryTest(
  "T01 an --oci-runtime that is not there is refused with 125, and nothing is made",
  { versions: ["1.7"] },
  async (gantry) => {
    const { code, err } = await gantry.run(["--oci-runtime", "/no/such/runtime", ...sh("true")]);
    assert.equal(code, 125);
    assert.match(err, /there is no program \/no\/such\/runtime\nhint: .*--oci-runtime/);
  },
);

gantryTest("crun runs containers on shims of ours", {
  skip: testRuntime === "shim"
    ? crun
    : "the containerd of a test has this host's control groups, which crun may refuse",
}, async (gantry) => {
  // crun refuses a host with both versions of control groups: it gets a view of it without the second.
  const view = isHybrid ? `unshare -m sh -c 'umount /sys/fs/cgroup/unified && exec "$@"' sh` : "";
  const script =
    `${view} "$@" run --rm --rootfs "$ROOTFS" --oci-runtime crun -m 64m -- /bin/sh -c 'echo out; echo err >&2; exit 7'`;
  const { code, out, err } = await gantry.bash(script);
  assert.deepEqual([code, out, err], [7, "out\n", "err\n"]);
});
