import assert from "node:assert/strict";
import { isCode } from "../../lib/base/errors.ts";
import { applyRootfsDiff } from "../../lib/engine/checkpoint/apply_rootfs_diff.ts";
import type { CriuOptions } from "../../lib/engine/checkpoint/checkpoint_options.ts";
import type { CheckpointRecord } from "../../lib/engine/checkpoint/checkpoint_record.ts";
import {
  type CheckpointFacts,
  type NewCheckpoint,
  openCheckpoints,
} from "../../lib/engine/checkpoint/checkpoint_store.ts";
import { criuConfigText } from "../../lib/engine/checkpoint/criu_config.ts";
import { criuError, explainCriuFailure } from "../../lib/engine/checkpoint/criu_failure.ts";
import { findCriu, kernelRelease } from "../../lib/engine/checkpoint/criu_program.ts";
import { readCriuStats } from "../../lib/engine/checkpoint/criu_stats.ts";
import { exportCheckpoint } from "../../lib/engine/checkpoint/export_checkpoint.ts";
import { importCheckpointFile } from "../../lib/engine/checkpoint/import_checkpoint.ts";
import { saveRootfsDiff } from "../../lib/engine/checkpoint/rootfs_diff.ts";
import { eventually } from "../support/eventually.ts";
import { assertNothingLeft, snapshot } from "../support/leftovers.ts";
import { needsRunc } from "../support/runc_bundle.ts";
import { firstReason, needsRoot, test } from "../support/test.ts";
import { criuVersion } from "../support/versions.ts";
import {
  type Bundle,
  count,
  counter,
  countsOn,
  type Ended,
  makeSetting,
  type Setting,
} from "./checkpoint_runc_setting.ts";

const criu = criuVersion();
const skip = firstReason(needsRoot(), needsRunc(), criu.skip);
const kernel = await kernelRelease();

/** Since Linux 6.16 getsockopt(SO_PASSCRED) fails for sockets that are not unix ones, which CRIU knows since 4.2. */
const skipSockets = firstReason(
  skip,
  number(kernel) >= 6.16 && number(criu.version) < 4.02
    ? `CRIU ${criu.version} cannot dump sockets on Linux ${kernel}: CRIU 4.2 can`
    : undefined,
);

/** `4.2.1` as 4.02: comparable. */
function number(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part));
  return major + minor / 100;
}

function withSetting(name: string, body: (setting: Setting) => Promise<void>, why: string | undefined = skip): void {
  test(name, { skip: why }, async () => {
    const directory = await Deno.makeTempDir({ prefix: "gantry-criu-" });
    const before = await snapshot({ scope: directory });
    try {
      await using setting = await makeSetting(directory);
      await body(setting);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
    await assertNothingLeft(before);
  });
}

/** Dumps a container into a checkpoint as containerd's shim does. */
async function dump(
  setting: Setting,
  bundle: Bundle,
  made: NewCheckpoint,
  options: readonly string[] = [],
): Promise<Ended> {
  const { images, work } = made.paths;
  return await setting.runc("checkpoint", ...options, "--image-path", images, "--work-path", work, bundle.id);
}

async function factsOf(bundle: Bundle, given: Partial<CheckpointFacts> = {}): Promise<CheckpointFacts> {
  const { version } = await findCriu({ searchPath: criu.bin });
  return {
    containerName: "counter",
    kernel,
    criuVersion: version,
    runtime: "io.containerd.runc.v2",
    leftRunning: false,
    options: {},
    rootfs: { path: bundle.spec.root?.path ?? "", overlay: true, saved: true },
    labels: {},
    spec: bundle.spec,
    ...given,
  };
}

/** A checkpoint of a container with the changes of its root filesystem. */
async function checkpoint(
  setting: Setting,
  bundle: Bundle,
  given: { readonly leftRunning?: boolean; readonly options?: CriuOptions } = {},
): Promise<CheckpointRecord> {
  const store = openCheckpoints(`${setting.directory}/root`);
  await using made = await store.begin({ namespace: "default", container: bundle.id, name: "one" });
  const flags = [
    ...(given.leftRunning ? ["--leave-running"] : []),
    ...(given.options?.tcpEstablished ? ["--tcp-established"] : []),
  ];
  const { success, stderr } = await dump(setting, bundle, made, flags);
  if (!success) {
    throw criuError(await explainCriuFailure({ workDir: made.paths.work, message: stderr }), "checkpoint it");
  }
  await saveRootfsDiff({ upper: bundle.upper, lowers: [setting.lower] }, made.paths);
  return await made.complete(
    await factsOf(bundle, { leftRunning: given.leftRunning ?? false, options: given.options ?? {} }),
  );
}

withSetting(
  "C01 a counter that is checkpointed and goes on, is restored in place and counts from where it was",
  async (setting) => {
    const bundle = await setting.bundle(counter);
    await setting.start(bundle);
    await countsOn(bundle, 3);
    const record = await checkpoint(setting, bundle, { leftRunning: true });
    assert.equal(await setting.status(bundle), "running");
    const later = await countsOn(bundle, await count(bundle) + 20);
    // C06: what CRIU measured, and what is on disk.
    assert.equal(record.criuVersion, criu.version);
    assert.ok(record.stats !== undefined && record.stats.frozenMs > 0 && record.stats.pagesWritten > 0);
    assert.ok(record.sizeBytes > record.stats.pagesWritten * 4096);
    await setting.remove(bundle);
    const { images } = openCheckpoints(`${setting.directory}/root`).paths(record);
    for (const _ of ["first", "second"]) {
      const { success, stderr } = await setting.restore(bundle, images);
      assert.ok(success, stderr);
      // It counted in its memory: it is back where it was dumped, far behind what the file said last.
      const again = await eventually(async () => {
        const now = await count(bundle);
        return now < later ? now : undefined;
      }, { what: "the restored counter to write" });
      await countsOn(bundle, again);
      const stats = await readCriuStats(`${bundle.directory}/restore/stats-restore`);
      assert.ok(stats?.restore !== undefined && stats.restore.restoreMs > 0);
      await setting.remove(bundle);
      await Deno.writeTextFile(bundle.file("/count"), String(later + 1000));
    }
  },
);

withSetting(
  "C02 a checkpoint that is exported, imported and restored on another overlay under a new id counts on",
  async (setting) => {
    const bundle = await setting.bundle(`echo made >/made; rm /etc/group; ${counter}`);
    await setting.start(bundle);
    await countsOn(bundle, 10);
    const record = await checkpoint(setting, bundle);
    assert.equal(await setting.status(bundle), undefined);
    const at = await count(bundle);
    const stored = openCheckpoints(`${setting.directory}/root`).paths(record);
    const file = `${setting.directory}/counter.tar.gz`;
    await exportCheckpoint({ record, paths: stored }, file);
    await Deno.remove(`${setting.directory}/root`, { recursive: true });
    const store = openCheckpoints(`${setting.directory}/other`);
    for (const name of ["one", "two"]) {
      const next = await setting.bundle("exit 1");
      const target = { store, ref: { namespace: "default", container: next.id, name } };
      const imported = await importCheckpointFile(file, target);
      assert.deepEqual(imported.ignored, []);
      assert.equal(imported.record.id, record.id);
      const paths = store.paths(target.ref);
      // The overlay is mounted already here, so the changes go through it.
      await applyRootfsDiff(paths, { kind: "directory", path: next.file("") });
      assert.equal(await Deno.readTextFile(next.file("/made")), "made\n");
      await assert.rejects(Deno.stat(next.file("/etc/group")), Deno.errors.NotFound);
      const { success, stderr } = await setting.restore(next, paths.images);
      assert.ok(success, stderr);
      assert.ok(await countsOn(next, at) > at);
    }
  },
);

withSetting("C05 a paused container is checkpointed as it stands, and stays paused", async (setting) => {
  const bundle = await setting.bundle(counter);
  await setting.start(bundle);
  await countsOn(bundle, 3);
  await setting.runc("pause", bundle.id);
  const at = await count(bundle);
  await checkpoint(setting, bundle, { leftRunning: true });
  assert.equal(await setting.status(bundle), "paused");
  assert.equal(await count(bundle), at);
  await setting.runc("resume", bundle.id);
  await countsOn(bundle, at);
});

withSetting(
  "C04 a dump that CRIU refuses is explained, keeps its log, and leaves the container running",
  async (setting) => {
    const bundle = await setting.bundle(
      `nc -l -p 4000 -e cat & sleep 0.3; sleep 1000 | nc 127.0.0.1 4000 & ${counter}`,
    );
    await setting.start(bundle);
    await eventually(async () => {
      const pid =
        JSON.parse(await Deno.readTextFile(`${setting.directory}/state/${bundle.id}/state.json`)).init_process_pid;
      // 01: an established connection.
      return / 01 /.test(await Deno.readTextFile(`/proc/${pid}/net/tcp`));
    }, { what: "the connection" });
    const failure = await checkpoint(setting, bundle).then(() => undefined, (error: unknown) => error);
    assert.ok(isCode(failure, "failed_precondition"), String(failure));
    assert.match(failure.message, /^cannot checkpoint it: inet: Connected TCP socket/);
    assert.match(failure.hint ?? "", /--tcp-established/);
    const store = openCheckpoints(`${setting.directory}/root`);
    const ref = { namespace: "default", container: bundle.id, name: "one" };
    const { work } = store.paths(ref);
    assert.ok(failure.message.includes(`${work}/dump.log`));
    assert.match(await Deno.readTextFile(`${work}/dump.log`), /Connected TCP socket/);
    await assert.rejects(store.inspect(ref), /never finished/);
    assert.equal(await setting.status(bundle), "running");
    await countsOn(bundle, await count(bundle));
  },
);

withSetting("C04 a restore on changed files is explained", async (setting) => {
  const bundle = await setting.bundle(
    `mkdir /mine; cp /bin/busybox /mine/busybox; exec /mine/busybox sh -c '${counter}'`,
  );
  await setting.start(bundle);
  await countsOn(bundle, 3);
  const record = await checkpoint(setting, bundle);
  await Deno.writeTextFile(bundle.file("/mine/busybox"), "another program");
  const { images } = openCheckpoints(`${setting.directory}/root`).paths(record);
  const { success, stderr } = await setting.restore(bundle, images);
  assert.ok(!success);
  const failure = await explainCriuFailure({ workDir: `${bundle.directory}/restore`, message: stderr });
  assert.match(failure.summary, /mine\/busybox has bad (size|build-ID)/);
  assert.match(failure.hint ?? "", /changed since the checkpoint/);
});

withSetting(
  "C03 an established connection survives a restore when CRIU's configuration file says so, and only then",
  async (setting) => {
    const received: string[] = [];
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = serve(listener, received);
    const { port } = listener.addr;
    const talker = `(i=0; while :; do i=$((i+1)); echo $i; echo $i >/count; sleep 0.05; done) | nc 127.0.0.1 ${port}`;
    const options = { tcpEstablished: true };
    const bundle = await setting.bundle(talker, { network: "host" });
    await setting.start(bundle);
    await eventually(() => received.join("").includes("\n5\n"), { what: "the container to talk" });
    const record = await checkpoint(setting, bundle, { options });
    const at = await count(bundle);
    const { images } = openCheckpoints(`${setting.directory}/root`).paths(record);
    const without = await setting.bundle("exit 1", { network: "host" });
    await copyUpper(bundle, without);
    const refused = await setting.restore(without, images);
    assert.ok(!refused.success);
    const failure = await explainCriuFailure({ workDir: `${without.directory}/restore`, message: refused.stderr });
    assert.match(failure.hint ?? "", /--tcp-established/);
    const criuConfig = `${setting.directory}/criu.conf`;
    await Deno.writeTextFile(criuConfig, criuConfigText(record.options));
    const next = await setting.bundle("exit 1", { network: "host", criuConfig });
    await copyUpper(bundle, next);
    const { success, stderr } = await setting.restore(next, images);
    assert.ok(success, stderr);
    await eventually(() => received.join("").includes(`\n${at + 10}\n`), { what: "the connection to go on" });
    // Every number once and in order: no byte of the stream was lost or doubled.
    await setting.remove(next);
    await serving;
    const numbers = received.join("").trim().split("\n").map(Number);
    assert.deepEqual(numbers, numbers.map((_, index) => index + 1));
  },
  skipSockets,
);

/** What one client says, until it hangs up. */
async function serve(listener: Deno.Listener, received: string[]): Promise<void> {
  const decoder = new TextDecoder();
  const connection = await listener.accept();
  for await (const bytes of connection.readable) received.push(decoder.decode(bytes));
}

async function copyUpper(from: Bundle, to: Bundle): Promise<void> {
  await Deno.copyFile(from.file("/count"), to.file("/count"));
}
