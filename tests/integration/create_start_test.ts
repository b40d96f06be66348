import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";
import { gantryProgram } from "../support/gantry_program.ts";
import { Pty } from "../support/pty.ts";
import { create, logOf, stateOf, transcript, untilState } from "../support/stored.ts";

gantryTest(
  "T06 create stores a container, start runs it as often as it has ended, its logs go on",
  {},
  async (gantry) => {
    const id = await create(gantry, ["--name", "job", ...sh("echo out; echo err >&2; exit 3")]);
    assert.equal(await stateOf(gantry, "job"), "created");
    assert.equal(await gantry.ctr("tasks", "list", "--quiet"), "", "no task is made");
    for (let round = 1; round <= 2; round++) {
      assert.deepEqual(await transcript(gantry, "start", "job"), [0, "job\n", ""]);
      await eventually(async () => (await logOf(gantry, id)).length === 4 * round, { what: "its output" });
      await untilState(gantry, "job", "exited");
      assert.equal(await logOf(gantry, id), "out\n".repeat(round));
      assert.equal(await logOf(gantry, id, "stderr"), "err\n".repeat(round));
    }
    assert.deepEqual(await transcript(gantry, "start", "-a", "job"), [3, "out\n", "err\n"]);
    assert.deepEqual(await transcript(gantry, "--json", "start", id.slice(0, 12)), [
      0,
      `{"started":"${id.slice(0, 12)}"}\n`,
      "",
    ]);
    await untilState(gantry, "job", "exited");
    assert.equal((await gantry.gantry(["rm", "job"])).code, 0);
  },
);

gantryTest(
  "T06 what cannot be is a clear error: start of one that runs, rm of one, kill of one that ended, names of none",
  {},
  async (gantry) => {
    const id = await create(gantry, ["--name", "web", ...sh("sleep 1000")]);
    assert.deepEqual(await transcript(gantry, "start", "web"), [0, "web\n", ""]);
    assert.deepEqual(await transcript(gantry, "start", "web"), [
      1,
      "",
      "gantry: container web runs already\nhint: stop it first, or start it anew: gantry restart web\n",
    ]);
    assert.deepEqual(await transcript(gantry, "start", "-a", "web"), [
      125,
      "",
      "gantry: container web runs already\nhint: stop it first, or start it anew: gantry restart web\n",
    ]);
    const [code, out, err] = await transcript(gantry, "rm", "web");
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /^gantry: container .*still runs\nhint: .*gantry rm -f/);
    await gantry.ctr("tasks", "pause", id);
    assert.deepEqual(await transcript(gantry, "start", "web"), [
      1,
      "",
      "gantry: container web is paused\nhint: let it go on: gantry resume web\n",
    ]);
    await gantry.ctr("tasks", "resume", id);
    await gantry.ctr("tasks", "kill", "--signal", "SIGKILL", id);
    await untilState(gantry, "web", "exited");
    const kill = await transcript(gantry, "kill", "web");
    assert.deepEqual(kill.slice(0, 2), [1, ""]);
    assert.match(kill[2], /^gantry: .*(not found|not run|already finished)/);
    assert.deepEqual(await transcript(gantry, "start", "nope", "web"), [
      1,
      "web\n",
      'gantry: no container "nope" in namespace default\nhint: `gantry ps -a` lists them all; --namespace looks elsewhere\n',
    ]);
    assert.equal((await gantry.gantry(["rm", "-f", "web"])).code, 0);
  },
);

gantryTest("T06 an overlay and an open stdin last from create to each start", {}, async (gantry) => {
  const script = 'read -r line; echo "$line" >>/seen; cat /seen; exit 5';
  const made = await gantry.gantry([
    "create",
    "-i",
    "--name",
    "keeps",
    "--rootfs",
    `${gantry.rootfs}:O`,
    ...sh(script),
  ]);
  assert.equal(made.code, 0, made.err);
  const first = await gantry.gantry(["start", "-ai", "keeps"], { stdin: "one\n" });
  assert.deepEqual([first.code, first.out, first.err], [5, "one\n", ""]);
  const second = await gantry.gantry(["start", "-i", "keeps"], { stdin: "two\n" });
  assert.deepEqual([second.code, second.out, second.err], [5, "one\ntwo\n", ""]);
  // With -a alone nobody writes, and yet it reads no end.
  await using program = gantry.start(["start", "-a", "keeps"]);
  Deno.kill((await gantry.onlyRunning()).pid, "SIGKILL");
  assert.equal((await program.ended()).code, 137);
  // Left alone likewise.
  assert.deepEqual(await transcript(gantry, "start", "keeps"), [0, "keeps\n", ""]);
  const { pid } = await gantry.onlyRunning();
  Deno.kill(pid, "SIGKILL");
  await untilState(gantry, "keeps", "exited");
  assert.equal((await gantry.gantry(["rm", "keeps"])).code, 0);
  await assert.rejects(Deno.lstat(`${gantry.rootfs}/seen`), Deno.errors.NotFound);
});

gantryTest("create has --cidfile, --replace and --dry-run, and a failure leaves nothing", {}, async (gantry) => {
  const { rootfs } = gantry;
  const cid = `${gantry.directory}/cid`;
  const id = await create(gantry, ["--name", "noted", "--cidfile", cid, "--", "true"]);
  assert.equal(await Deno.readTextFile(cid), id);
  const replaced = await create(gantry, ["--name", "noted", "--replace", "--", "true"]);
  assert.deepEqual(await gantry.containers(), [replaced]);
  const dry = await gantry.gantry(["create", "--dry-run", "-it", "--rootfs", rootfs, "--", "sh"]);
  assert.equal(dry.code, 0, dry.err);
  const { rpcs, spec, labels } = JSON.parse(dry.out);
  assert.deepEqual(rpcs, ["containerd.services.containers.v1.Containers/Create"]);
  assert.equal(spec.process.terminal, true);
  assert.equal(labels["gantry/stdin"], "true");
  assert.equal((await gantry.gantry(["rm", "noted"])).code, 0);
  const failures = [
    ["create", "--cidfile", "/nope/cid", "--rootfs", rootfs, "--", "true"],
    ["create", "--rootfs", rootfs],
    ["create", "--", "true"],
    ["create", "--rootfs", "/nope", "--", "true"],
    ["create", "--nmae", "x", "--rootfs", rootfs, "--", "true"],
    ["--runtime", "containerd", "--address", "/nope/sock", "create", "--rootfs", rootfs, "--", "true"],
  ];
  for (const args of failures) {
    const end = await gantry.gantry(args);
    assert.deepEqual([end.code, end.out], [125, ""], `${args.join(" ")}: ${end.err}`);
    assert.doesNotMatch(end.err, /defect/);
    assert.deepEqual(await gantry.remains(), [], args.join(" "));
  }
});

gantryTest("start honours --rm and --timeout of create, attached and left alone", {}, async (gantry) => {
  await create(gantry, ["--rm", "--name", "gone", ...sh("exit 6")]);
  assert.deepEqual(await transcript(gantry, "start", "-a", "gone"), [6, "", ""]);
  assert.deepEqual(await gantry.containers(), []);
  await create(gantry, ["--rm", "--name", "gone", ...sh("sleep 0.5")]);
  assert.deepEqual(await transcript(gantry, "start", "gone"), [0, "gone\n", ""]);
  await eventually(async () => (await gantry.containers()).length === 0, { what: "its removal" });
  await create(gantry, ["--timeout", "1s", "--name", "slow", ...sh("sleep 1000")]);
  const attended = await gantry.gantry(["start", "-a", "slow"]);
  assert.equal(attended.code, 137);
  assert.match(attended.err, /slow was killed: its --timeout was over/);
  assert.deepEqual(await transcript(gantry, "start", "slow"), [0, "slow\n", ""]);
  await untilState(gantry, "slow", "exited");
  assert.equal((await gantry.gantry(["rm", "slow"])).code, 0);
});

gantryTest(
  "T04 start -ai gives a stored container the terminal; its log goes on when it is left alone",
  {},
  async (gantry) => {
    await using pty = new Pty({ rows: 31, columns: 91 });
    const before = await pty.modes();
    const id = await create(gantry, [
      "-it",
      "--name",
      "term",
      ...sh("stty size; read -r x; echo got $x; exit 4"),
    ]);
    await using program = pty.start([...gantryProgram(), "start", "-ai", "term"], gantry.env);
    await pty.shows(/^31 91\r\n/);
    pty.type("this\r");
    assert.equal((await program.ended()).code, 4);
    await pty.shows(/\r\ngot this\r\n/);
    assert.equal(await pty.modes(), before);
    const piped = await gantry.gantry(["start", "-ai", "term"], { stdin: "x\n" });
    assert.deepEqual([piped.code, piped.out], [125, ""]);
    assert.match(piped.err, /stdin is no terminal\nhint: leave out -i/);
    // The shim would write over the log of a terminal: each word must be there, once.
    const fifo = `${gantry.state}/containers/default/${id}/stdin`;
    for (const word of ["one", "two", "three"]) {
      assert.deepEqual(await transcript(gantry, "start", "term"), [0, "term\n", ""]);
      await gantry.bash(`echo ${word} >${fifo}`);
      await untilState(gantry, "term", "exited");
    }
    const log = await eventually(async () => {
      const text = await logOf(gantry, id);
      return text.includes("got three") && text;
    }, { what: "the last word" });
    assert.deepEqual([...log.matchAll(/got (\w+)\r\n/g)].map(([, word]) => word), ["one", "two", "three"]);
    assert.equal((await gantry.gantry(["rm", "term"])).code, 0);
  },
);

gantryTest("start -a passes signals on, and is for one container only", { versions: ["1.7"] }, async (gantry) => {
  await create(gantry, ["--name", "deaf", ...sh("trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done")]);
  await using program = gantry.start(["start", "-a", "deaf"]);
  await program.untilOut(/ready/);
  program.signal("SIGUSR1");
  assert.equal((await program.ended()).code, 9);
  assert.deepEqual(await transcript(gantry, "start", "-a", "deaf", "deaf2"), [
    125,
    "",
    "gantry: -a and -i are for one container, not for 2\nhint: start the others without, and attach to them: gantry attach\n",
  ]);
  assert.equal((await gantry.gantry(["rm", "deaf"])).code, 0);
});
