import assert from "node:assert/strict";
import { kernelRelease } from "../../lib/engine/checkpoint/criu_program.ts";
import { type GantryInstance, sh } from "../support/gantry.ts";
import { criuVersion } from "../support/versions.ts";
import { checkpointTest, counter, countsOn, did, removeAll, start } from "./checkpoint_setting.ts";

/** What a command prints, with what differs from run to run replaced. */
async function shown(gantry: GantryInstance, id: string, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await gantry.gantry(args);
  return [`$ gantry ${args.join(" ")}`, out + err + (code === 0 ? "" : `exit ${code}`)].join("\n")
    .replaceAll(id, "<id>").replaceAll(id.slice(0, 12), "<short>")
    .replace(/(?:Less than a second|\d+ seconds?) ago/g, "TIME").replace(/[\d.]+(?:KiB|MiB)/g, "SIZE")
    .replace(/ {2,}/g, "  ").trimEnd();
}

checkpointTest(
  "C06 checkpoints are listed, inspected and removed, also when their container is gone",
  { versions: ["2.1"] },
  async (gantry) => {
    const id = await start(gantry, { name: "web", overlay: true, flags: ["-e", "SECRET=hunter2"] });
    assert.equal(await did(gantry, "checkpoint", "-R", "-n", "one", "web"), "one\n");
    await did(gantry, "checkpoint", "-n", "two", "web");
    await did(gantry, "restore", "web");
    await countsOn(gantry, id);
    const third = JSON.parse(await did(gantry, "checkpoint", "--json", "--file-locks", "-n", "three", "web"));
    assert.deepEqual([third.name, third.container, third.containerName, third.leftRunning, third.kept], [
      "three",
      id,
      "web",
      false,
      true,
    ]);
    await did(gantry, "rm", "web");
    const transcript = [
      await shown(gantry, id, "checkpoints", "ls"),
      await shown(gantry, id, "checkpoints", "ls", "web", "--format", "{{.Options}}:{{.Name}}"),
      await shown(gantry, id, "checkpoints", "ls", "-q", id.slice(0, 8)),
      await shown(gantry, id, "checkpoints", "ls", "nobody"),
      await shown(gantry, id, "checkpoints", "inspect", "web", "four"),
      await shown(gantry, id, "checkpoint", "-n", "../x", "web"),
      await shown(gantry, id, "restore"),
    ];
    assert.equal(
      transcript.join("\n"),
      `$ gantry checkpoints ls
NAME  CONTAINER  CONTAINER ID  CREATED  SIZE
one  web  <short>  TIME  SIZE
two  web  <short>  TIME  SIZE
three  web  <short>  TIME  SIZE
$ gantry checkpoints ls web --format {{.Options}}:{{.Name}}
:one
:two
fileLocks:three
$ gantry checkpoints ls -q ${id.slice(0, 8)}
one
two
three
$ gantry checkpoints ls nobody
gantry: no checkpoint of a container "nobody"
hint: \`gantry checkpoints ls\` lists all; --namespace looks elsewhere
exit 1
$ gantry checkpoints inspect web four
[]
gantry: container <id> has no checkpoint four
hint: see \`gantry checkpoints ls <short>\`
exit 1
$ gantry checkpoint -n ../x web
gantry: no container "web" in namespace default
hint: \`gantry ps -a\` lists them all; --namespace looks elsewhere
exit 1
$ gantry restore
gantry: restore takes either a container or --import FILE
hint: gantry restore CONTAINER, or gantry restore --import FILE
exit 125`,
    );
    const text = await did(gantry, "checkpoints", "inspect", "web", "two", "three");
    assert.doesNotMatch(text, /hunter2/);
    const [two, three] = JSON.parse(text);
    assert.deepEqual(
      [three.parent, two.parent, three.criuVersion, three.kernel, three.options, three.rootfs],
      [two.id, undefined, criuVersion().version, await kernelRelease(), { fileLocks: true }, {
        path: gantry.rootfs,
        overlay: true,
        saved: true,
      }],
    );
    assert.ok(three.stats.frozenMs > 0 && three.durationMs > three.stats.frozenMs && three.pausedMs > 0);
    assert.ok(three.sizeBytes > three.stats.pagesWritten * 4096);
    assert.match(await did(gantry, "checkpoints", "inspect", "--spec", "web", "two"), /SECRET=hunter2/);
    const removed = await gantry.gantry(["checkpoints", "rm", "web", "two", "four", "one"]);
    assert.deepEqual([removed.code, removed.out], [1, "two\none\n"]);
    assert.match(removed.err, /has no checkpoint four/);
    await did(gantry, "checkpoints", "rm", "web", "three");
    assert.equal(await did(gantry, "checkpoints", "ls", "--json"), "");
  },
);

checkpointTest(
  "what cannot be checkpointed is refused before anything is done: no name, no directory, nothing that runs, a taken name",
  { versions: ["1.6"] },
  async (gantry) => {
    const id = await start(gantry, { name: "web" });
    await did(gantry, "checkpoint", "-R", "-n", "one", "web");
    await gantry.gantry(["run", "--name", "done", "--rootfs", gantry.rootfs, ...sh("exit 3")]);
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["checkpoint", "-n", "one", "web"], /has a checkpoint one\nhint: choose another name/],
      [["checkpoint", "-n", "../x", "web"], /"\.\.\/x" is not a checkpoint name/],
      [["checkpoint", "-e", "/nowhere/x.tar", "web"], /cannot write \/nowhere\/x\.tar: \/nowhere is not a directory/],
      [["checkpoint", "done"], /does not run\nhint: start it/],
      [["restore", "done"], /has no checkpoint/],
      [["restore", "--checkpoint", "two", "web"], /has no checkpoint two/],
      [["restore", "-n", "web", "web"], /the name web is in use/],
      [["restore", "--rootfs", gantry.rootfs, "web"], /--rootfs is for a new container/],
      [["restore", "-i", "/nowhere.tar"], /nowhere\.tar/],
      [["restore", "-n", "copy", "--rootfs", "/nowhere", "web"], /root filesystem \/nowhere is not on this host/],
    ];
    for (const [args, pattern] of cases) {
      const { code, out, err } = await gantry.gantry(args);
      assert.ok(code === 1 || code === 125, `${args.join(" ")}: ${code}`);
      assert.equal(out, "");
      assert.match(err, pattern);
    }
    await countsOn(gantry, id);
    assert.equal(await did(gantry, "checkpoints", "ls", "-q"), "one\n");
    await removeAll(gantry);
  },
);

checkpointTest("a terminal, and stdin that stays open, go on", { versions: ["1.7"] }, async (gantry) => {
  const id = await start(gantry, { name: "tty", flags: ["-t"] });
  await did(gantry, "checkpoint", "tty");
  const copy = (await did(gantry, "restore", "-n", "copy", "tty")).trim();
  assert.ok(((await countsOn(gantry, copy))[0] ?? 0) > 1);
  assert.notEqual(copy, id);
  const script = `i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo $i; done; read x; echo $x; ${counter}`;
  const reader = await start(gantry, { name: "in", script, flags: ["-i"] });
  await did(gantry, "checkpoint", "in");
  await did(gantry, "restore", "in");
  await Deno.writeTextFile(`${gantry.state}/containers/default/${reader}/stdin`, "42\n");
  assert.deepEqual((await countsOn(gantry, reader)).slice(0, 6), [1, 2, 3, 4, 5, 42]);
  await removeAll(gantry);
});
