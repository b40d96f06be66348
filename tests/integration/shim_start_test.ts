import assert from "node:assert/strict";
import { loadLibc } from "../../lib/base/libc.ts";
import { closeFd, openFd } from "../../lib/base/libc_files.ts";
import { bundleOf, createBundle } from "../../lib/shim/bundle.ts";
import { readShimAddress } from "../../lib/shim/bundle_address.ts";
import { cleanUp } from "../../lib/shim/dead_shim.ts";
import { endShim } from "../../lib/shim/end_shim.ts";
import type { Shim } from "../../lib/shim/shim.ts";
import { startShim, type StartShimOptions } from "../../lib/shim/start_shim.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { newId } from "../../lib/wire/identifier.ts";
import { BootstrapParams, BootstrapResult } from "../../proto/gen/shim/bootstrap.ts";
import { ConnectResponse } from "../../proto/gen/shim/task.ts";
import { test } from "../support/test.ts";
import { TtrpcServer } from "../unit/rpc/ttrpc_server.ts";
import { type ShimSetting, shimTest } from "./shim_setting.ts";

loadLibc();
const ways = ["direct", "start"] as const;

async function withShim(
  setting: ShimSetting,
  options: Partial<StartShimOptions>,
  body: (shim: Shim, bundle: string) => Promise<void> | void,
): Promise<void> {
  const bundle = bundleOf(setting.root, { namespace: setting.namespace, id: newId() });
  const { shim: program } = setting.version;
  await createBundle(bundle, { config: "{}", shim: program, runtime: options.runtime });
  const shim = await startShim(bundle, { shim: program, ...options });
  try {
    await body(shim, bundle.path);
  } finally {
    await endShim(bundle, shim, { clock: systemClock });
  }
}

shimTest("D01 a shim is started both ways, answers, and says which generation it is", async (setting) => {
  const service = setting.version.label === "2.1" ? "containerd.task.v3.Task" : "containerd.task.v2.Task";
  for (const way of ways) {
    await withShim(setting, { way }, async (shim, bundle) => {
      assert.equal(shim.address.service, service);
      assert.deepEqual(await readShimAddress(bundle), shim.address);
      assert.equal(shim.process?.executable, await Deno.realPath(setting.version.shim));
      assert.equal(await Deno.readLink(`/proc/${shim.process?.pid}/cwd`), await Deno.realPath(bundle));
      assert.equal(shim.taskPid, 0);
    });
  }
});

shimTest("D06 a shim's OOM score is ours and one, and its PATH begins with its own directory", async (setting) => {
  const own = Number(await Deno.readTextFile("/proc/self/oom_score_adj"));
  for (const way of ways) {
    await withShim(setting, { way, path: "/some/where" }, async (shim) => {
      const pid = shim.process?.pid;
      assert.equal(Number(await Deno.readTextFile(`/proc/${pid}/oom_score_adj`)), Math.min(own + 1, 1000), way);
      const environment = (await Deno.readTextFile(`/proc/${pid}/environ`)).split("\0");
      assert.equal(environment.find((line) => line.startsWith("PATH=")), `PATH=${setting.version.bin}:/some/where`);
      assert.deepEqual(environment.filter((line) => /^(NOTIFY_SOCKET|GANTRY|TMPDIR)/.test(line)), []);
    });
  }
});

shimTest("S03 descriptors of ours do not reach a shim, also those that we inherited ourselves", async (setting) => {
  // Without close-on-exec, as if it were the pipe of a $(…).
  const file = `${setting.directory}/inherited`;
  await Deno.writeTextFile(file, "");
  const fd = openFd(file, 0);
  try {
    for (const way of ways) {
      await withShim(setting, { way }, (shim) => {
        const open = [...Deno.readDirSync(`/proc/${shim.process?.pid}/fd`)].map(({ name }) =>
          Deno.readLinkSync(`/proc/${shim.process?.pid}/fd/${name}`)
        );
        assert.deepEqual(open.filter((path) => path === file), []);
        const ours = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => linkOf(`/proc/self/fd/${name}`));
        assert.deepEqual(open.filter((path) => path.startsWith("pipe:") && ours.includes(path)), []);
      });
    }
  } finally {
    closeFd(fd);
  }
});

function linkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "closed";
  }
}

shimTest("D06 a shim joins the control group that it is told", async (setting) => {
  const name = `/gantry-shim-${setting.namespace}`;
  const mounts = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n");
  const points = mounts.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(" ")[4] ?? "");
  for (const point of points) {
    await Deno.mkdir(`${point}${name}`);
    // On v1 a new group has no processor and no memory, and nobody can join it.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const text = await Deno.readTextFile(`${point}/${file}`).catch(() => undefined);
      if (text !== undefined) await Deno.writeTextFile(`${point}${name}/${file}`, text);
    }
  }
  try {
    await withShim(setting, { runtime: { shimCgroup: name } }, async (shim) => {
      const groups = await Deno.readTextFile(`/proc/${shim.process?.pid}/cgroup`);
      assert.match(groups, new RegExp(`:${name}$`, "m"));
    });
  } finally {
    for (const point of points) await Deno.remove(`${point}${name}`);
  }
});

shimTest("a shim that cannot start says why, and nothing of it stays", async (setting) => {
  const bundle = bundleOf(setting.root, { namespace: setting.namespace, id: newId() });
  const { shim } = setting.version;
  for (const way of ways) {
    await createBundle(bundle, { config: "{}", shim });
    // Its log is what a shim opens first; its config is what `start` reads.
    await Deno.remove(`${bundle.path}/log`);
    await Deno.remove(`${bundle.path}/config.json`);
    await assert.rejects(startShim(bundle, { shim, way }), (error: Error) => {
      assert.match(error.message, way === "start" ? /did not start: .*config.json/s : /ended at once|nobody listens/);
      return true;
    });
    await cleanUp(bundle, { clock: systemClock });
  }
});

test("a program that is no shim, hangs, or is not there is an error at the deadline at the latest", async () => {
  const directory = await Deno.makeTempDir();
  const bundle = bundleOf(`${directory}/b`, { namespace: "n", id: "c" });
  const script = async (text: string): Promise<string> => {
    const path = `${directory}/${newId()}`;
    await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  };
  const none = `${directory}/none`;
  const hang = 'case "$*" in *delete*) exit 1;; esac; exec sleep 60';
  const cases = [
    [none, "start", { code: "not_found", message: /none/ }],
    [none, "direct", { code: "not_found", message: /none/ }],
    [await script("echo nonsense"), "start", { message: /printed not what a shim prints: "nonsense"/ }],
    [await script("echo no >&2; exit 3"), "start", { message: /did not start: no$/ }],
    [await script("exit 3"), "start", { message: /exit code 3/ }],
    [await script("exit 3"), "direct", { code: "unavailable", message: /ended at once/ }],
    [await script(hang), "start", { code: "deadline_exceeded", message: /did not answer within 300 ms/ }],
    [await script(hang), "direct", { code: "deadline_exceeded", message: /did not answer within 300 ms/ }],
    [
      await script(`printf '{"version":4,"address":"unix:///x","protocol":"ttrpc"}'`),
      "start",
      { code: "unimplemented", message: /speaks ttrpc version 4/ },
    ],
    [
      await script(`printf '{"version":3,"address":"unix:///x","protocol":"grpc"}'`),
      "start",
      { code: "unimplemented", message: /speaks grpc/ },
    ],
  ] as const;
  for (const [shim, way, expected] of cases) {
    await createBundle(bundle, { config: "{}", shim });
    const aborter = new AbortController();
    await assert.rejects(startShim(bundle, { shim, way, deadlineMs: 300, signal: aborter.signal }), expected);
    aborter.abort();
    await assert.rejects(startShim(bundle, { shim: cases[6][0], way, signal: aborter.signal }));
    await cleanUp(bundle, { clock: systemClock });
  }
  await Deno.remove(directory, { recursive: true });
});

test("D01 a shim of 2.3 or later gets its parameters, and answers in protobuf", async () => {
  const directory = await Deno.makeTempDir();
  await using server = await TtrpcServer.open(({ streamId, request }, peer) => {
    const payload = ConnectResponse.encode({ shimPid: Deno.pid, taskPid: 0, version: "" }).finish();
    return request.method === "Connect" ? peer.reply(streamId, { payload }) : peer.reply(streamId, {});
  });
  const result = BootstrapResult.encode({ version: 3, address: `unix://${server.path}`, protocol: "ttrpc" }).finish();
  await Deno.writeFile(`${directory}/result`, result);
  const shim = `${directory}/shim`;
  const text = `#!/bin/sh
case "$*" in
  *-v) echo "  Version:  v2.4.0-beta.1";;
  *start) cat > ${directory}/stdin; cat ${directory}/result;;
  *) exit 1;;
esac
`;
  await Deno.writeTextFile(shim, text, { mode: 0o755 });
  const bundle = bundleOf(`${directory}/b`, { namespace: "n", id: "c" });
  await createBundle(bundle, { config: "{}", shim });
  const runtime = { root: "/r", shimCgroup: "/g" };
  const started = await startShim(bundle, { shim, way: "start", events: "/run/events", runtime });
  assert.deepEqual(started.address, { path: server.path, service: "containerd.task.v3.Task" });
  started[Symbol.dispose]();
  const told = BootstrapParams.decode(await Deno.readFile(`${directory}/stdin`));
  assert.deepEqual(
    [told.instanceId, told.namespace, told.ttrpcAddress, told.extensions.map(({ value }) => value?.typeUrl)],
    ["c", "n", "/run/events", ["containerd.runc.v1.Options"]],
  );
  await Deno.remove(directory, { recursive: true });
});
