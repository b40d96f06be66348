import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { sh } from "../support/gantry.ts";
import { exists } from "../support/container_remains.ts";
import {
  assertCounts,
  checkpointTest,
  counter,
  countsOn,
  did,
  numbers,
  removeAll,
  start,
  states,
} from "./checkpoint_setting.ts";

/** Counts with a lot of memory, so that a dump takes a while. */
const hog = `exec awk 'BEGIN { s = "xyz"; while (length(s) < 5e7) s = s s; ` +
  `for (;;) { print ++n; fflush(); system("sleep 0.03") } }'`;

/** What one client says, until it hangs up. */
async function serve(listener: Deno.Listener, received: string[]): Promise<void> {
  const decoder = new TextDecoder();
  const connection = await listener.accept();
  for await (const bytes of connection.readable) received.push(decoder.decode(bytes));
}

checkpointTest(
  "C03 C04 an established connection: refused in CRIU's own words, and taken along when it is asked for, also to a new container",
  { versions: ["1.6", "2.1"] },
  async (gantry) => {
    const received: string[] = [];
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = serve(listener, received);
    const script = `(${counter}) | tee /dev/stderr | nc 127.0.0.1 ${listener.addr.port}`;
    const flags = ["--network", "host", "--name", "talk", "--rootfs", gantry.rootfs];
    const id = (await did(gantry, "run", "-d", ...flags, ...sh(script))).trim();
    await eventually(() => received.join("").includes("\n5\n"), { what: "the container to talk" });
    const refused = await gantry.gantry(["checkpoint", "-n", "no", "talk"]);
    assert.deepEqual([refused.code, refused.out], [1, ""]);
    assert.match(refused.err, /^gantry: cannot checkpoint talk: inet: Connected TCP socket.*\n( {2}criu: .*\n)+/);
    assert.match(refused.err, /\nhint: .*--tcp-established/);
    const log = /^ {2}log: (.*)$/m.exec(refused.err)?.[1] ?? "";
    assert.equal(log, `${gantry.root}/checkpoints/default/${id}/no/work/dump.log`);
    assert.match(await Deno.readTextFile(log), /Connected TCP socket/);
    assert.equal(await exists(`${gantry.root}/checkpoints/default/${id}/no/images`), false);
    assert.deepEqual(await states(gantry), { talk: "running" });
    const before = received.join("").length;
    await eventually(() => received.join("").length > before, { what: "it to talk on" });

    await did(gantry, "checkpoint", "--tcp-established", "-n", "yes", "talk");
    await did(gantry, "restore", "talk");
    const inPlace = received.join("").length;
    await eventually(() => received.join("").length > inPlace, { what: "it to talk on in its place" });
    await did(gantry, "checkpoint", "--tcp-established", "talk");
    await did(gantry, "rm", "talk");
    await did(gantry, "restore", "-n", "other", id);
    const asOther = received.join("").length;
    await eventually(() => received.join("").length > asOther + 20, { what: "it to talk on as another" });
    await removeAll(gantry);
    await serving;
    // Every number once and in order: no byte was lost or doubled.
    assertCounts(received.join("").trim().split("\n").map(Number), 1);
  },
);

checkpointTest(
  "C03 connections inside of the container go on with it: its loopback is up again",
  { versions: ["1.7"] },
  async (gantry) => {
    const script = `nc -l -p 4000 -e cat & sleep 0.3; (${counter}) | nc 127.0.0.1 4000`;
    const id = await start(gantry, { name: "web", script, overlay: true });
    await did(gantry, "checkpoint", "--tcp-established", "web");
    const at = (await numbers(gantry.root, id)).length;
    await did(gantry, "restore", "web");
    assertCounts(await countsOn(gantry, id), 1);
    const copy = (await did(gantry, "restore", "-n", "copy", "web")).trim();
    const all = await countsOn(gantry, copy);
    assertCounts(all, all[0] ?? 0);
    assert.ok((all[0] ?? 0) <= at + 1 && (all[0] ?? 0) > at - 5, `${all[0]} after ${at}`);
    // What it was made with holds for the copy of a copy; --tcp-close does not take it along.
    await did(gantry, "restore", "--tcp-close", "-n", "closed", "web");
    await eventually(async () => (await states(gantry)).closed === "exited", { what: "nc to see the end" });
    await removeAll(gantry);
  },
);

checkpointTest("C03 file locks and unix sockets that lead outside", { versions: ["2.1"] }, async (gantry) => {
  const directory = `${gantry.directory}/log`;
  await Deno.mkdir(directory);
  using _socket = datagramSocket(`${directory}/socket`);
  const log = `mkdir -p /var/spool/cron/crontabs; ln -s ${directory}/socket /dev/log; crond -l 0`;
  const script = `${log}; exec /bin/flock /lock sh -c '${counter}'`;
  // busybox has no flock: the host's, with its libraries.
  // CRIU connects the socket again by the name its other end has outside.
  const mounts = [`${directory}:${directory}`, "/usr/bin/flock:/bin/flock:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"];
  const id = await start(gantry, {
    name: "web",
    script,
    flags: ["--network", "host", ...mounts.flatMap((mount) => ["-v", mount])],
  });
  for (
    const [given, pattern] of [
      [[], /--file-locks/],
      [["--file-locks"], /--ext-unix-sk/],
    ] as const
  ) {
    const refused = await gantry.gantry(["checkpoint", ...given, "web"]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, pattern);
    await countsOn(gantry, id);
  }
  await did(gantry, "checkpoint", "--file-locks", "--ext-unix-sk", "web");
  await did(gantry, "restore", "web");
  assertCounts(await countsOn(gantry, id), 1);
  const lock = await gantry.gantry(["exec", "web", "/bin/flock", "-n", "/lock", "true"]);
  assert.equal(lock.code, 1, "the lock is held");
  await removeAll(gantry);
});

checkpointTest(
  "C04 a restore that CRIU refuses leaves no new container, and an old one stopped with its files",
  { versions: ["1.7"] },
  async (gantry) => {
    const script = `mkdir /mine; cp /bin/busybox /mine/busybox; exec /mine/busybox sh -c '${counter}'`;
    const id = await start(gantry, { name: "web", script, overlay: true });
    await did(gantry, "checkpoint", "-n", "one", "--ignore-rootfs", "web");
    const upper = `${gantry.root}/containers/default/${id}/overlay/upper`;
    await Deno.writeTextFile(`${upper}/mine/busybox`, "another program");
    for (const [args, name] of [[["web"], "web"], [["-n", "copy", "web"], "copy"]] as const) {
      const refused = await gantry.gantry(["restore", ...args]);
      assert.deepEqual([refused.code, refused.out], [1, ""]);
      assert.match(refused.err, new RegExp(`^gantry: cannot restore ${name}: `));
      const log = /^ {2}log: (.*)$/m.exec(refused.err)?.[1] ?? "";
      assert.match(await Deno.readTextFile(log), /Error/);
      assert.match(log, new RegExp(`^${gantry.root}/checkpoints/default/${id}/one/restores/`));
    }
    assert.deepEqual(Object.keys(await states(gantry)), ["web"]);
    assert.equal(await Deno.readTextFile(`${upper}/mine/busybox`), "another program");
    // With the right file all is well.
    await Deno.copyFile(`${gantry.rootfs}/bin/busybox`, `${upper}/mine/busybox`);
    await did(gantry, "restore", "web");
    await countsOn(gantry, id);
    await removeAll(gantry);
  },
);

checkpointTest(
  "C05 a paused container stays paused, also over its overlay, and is checkpointed to its end too",
  { versions: ["1.6", "2.1"] },
  async (gantry) => {
    const id = await start(gantry, { name: "web", overlay: true });
    await gantry.ctr("tasks", "pause", id);
    const at = (await numbers(gantry.root, id)).length;
    await did(gantry, "checkpoint", "-R", "-n", "one", "web");
    assert.deepEqual(await states(gantry), { web: "paused" });
    assert.equal((await numbers(gantry.root, id)).length, at);
    await did(gantry, "checkpoint", "-n", "two", "web");
    assert.deepEqual(await states(gantry), { web: "exited" });
    await did(gantry, "restore", "web");
    assertCounts(await countsOn(gantry, id), 1);
    await removeAll(gantry);
  },
);

checkpointTest(
  "C05 a container is checkpointed after the gantry that made it was killed",
  { versions: ["1.6"] },
  async (gantry) => {
    await using first = gantry.startRun(["--rm", "--name", "web", ...sh(counter)]);
    await first.untilOut(/^3$/m);
    first.signal("SIGKILL");
    await first.ended();
    await did(gantry, "checkpoint", "--name", "one", "web");
    assert.deepEqual(await states(gantry), { web: "exited" });
    await did(gantry, "restore", "web");
    const { id } = await gantry.onlyRunning();
    assert.ok(((await countsOn(gantry, id))[0] ?? 0) > 3);
    await gantry.gantry(["rm", "-f", "web"]);
  },
);

checkpointTest(
  "C04 a containerd that is killed over a dump leaves the container going on",
  { versions: ["1.6", "2.1"], needs: "containerd" },
  async (gantry) => {
    const id = await start(gantry, { name: "web", script: hog, overlay: true });
    const work = `${gantry.root}/checkpoints/default/${id}/one/work`;
    await using dying = gantry.start(["checkpoint", "-R", "-n", "one", "web"]);
    await eventually(() => exists(`${work}/dump.log`), { what: "CRIU at work", everyMs: 1 });
    await gantry.containerd.end("SIGKILL");
    const { code, err } = await dying.ended();
    // CRIU may have come to a good end all the same.
    assert.ok(code === 0 || /^gantry: cannot checkpoint web: /.test(err), err);
    await countsOn(gantry, id);
    await gantry.containerd.start();
    await did(gantry, "checkpoint", "-n", "two", "web");
    await did(gantry, "restore", "web");
    assertCounts(await countsOn(gantry, id), 1);
    await removeAll(gantry);
  },
);

checkpointTest(
  "C05 a dump goes on when gantry is killed over it, and is found as a checkpoint",
  { versions: ["1.7"] },
  async (gantry) => {
    const id = await start(gantry, { name: "web", script: hog, overlay: true });
    const work = `${gantry.root}/checkpoints/default/${id}/one/work`;
    await using killed = gantry.start(["checkpoint", "-n", "one", "web"]);
    await eventually(() => exists(`${work}/dump.log`), { what: "CRIU at work", everyMs: 1 });
    killed.signal("SIGKILL");
    await killed.ended();
    await eventually(async () => (await gantry.gantry(["checkpoints", "ls", "-q", "web"])).out === "one\n", {
      what: "the checkpoint",
    });
    await eventually(async () => (await states(gantry)).web === "exited", { what: "its end" });
    await did(gantry, "restore", "web");
    assertCounts(await countsOn(gantry, id), 1);
    await removeAll(gantry);
  },
);

/** A unix datagram socket that nobody reads. */
function datagramSocket(path: string): Disposable {
  const libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const fd = libc.symbols.socket(1, 2, 0);
  const address = new Uint8Array(110);
  address.set([1, 0]);
  address.set(new TextEncoder().encode(path), 2);
  assert.equal(libc.symbols.bind(fd, address, address.length), 0);
  return {
    [Symbol.dispose]: () => {
      libc.symbols.close(fd);
      libc.close();
    },
  };
}
