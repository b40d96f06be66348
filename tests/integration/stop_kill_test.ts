import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { assertRpcs } from "../support/rpc_delta.ts";

const deaf = "trap '' TERM INT; echo up; while :; do sleep 0.1; done";
const polite = "trap 'echo bye; exit 7' TERM; trap 'exit 8' USR1; echo up; while :; do sleep 0.1; done";

/** Starts a container in the background and waits for its word that it has set its traps. */
async function detached(gantry: GantryInstance, name: string, script: string, ...flags: string[]): Promise<string> {
  const { code, out, err } = await gantry.gantry(
    ["run", "-d", "--name", name, ...flags, "--rootfs", gantry.rootfs, ...sh(script)],
  );
  assert.equal(code, 0, err);
  const id = out.trim();
  const log = `${gantry.root}/containers/default/${id}/stdout.log`;
  await eventually(async () => /up/.test(await Deno.readTextFile(log).catch(() => "")), { what: `${name} is up` });
  return id;
}

/** What `wait` says of it. */
async function exitOf(gantry: GantryInstance, name: string): Promise<string> {
  return (await gantry.gantry(["wait", name])).out.trim();
}

gantryTest("T09 stop sends the stop signal, and KILL after the grace", { timeoutMs: 120_000 }, async (gantry) => {
  await detached(gantry, "polite", polite);
  const end = await gantry.gantry(["stop", "polite"]);
  assert.deepEqual([end.code, end.out, end.err], [0, "polite\n", ""]);
  assert.equal(await exitOf(gantry, "polite"), "7");

  await detached(gantry, "usr", polite, "--stop-signal", "USR1");
  assert.equal((await gantry.gantry(["stop", "usr"])).code, 0);
  assert.equal(await exitOf(gantry, "usr"), "8", "the signal it was made with");

  await detached(gantry, "other", polite, "--stop-signal", "USR1");
  assert.equal((await gantry.gantry(["stop", "-s", "sigterm", "other"])).code, 0);
  assert.equal(await exitOf(gantry, "other"), "7", "the signal given");

  await detached(gantry, "deaf", deaf, "--stop-timeout", "1");
  const killed = await gantry.gantry(["stop", "deaf"]);
  assert.deepEqual([killed.code, killed.out], [0, "deaf\n"]);
  assert.ok(killed.ms >= 1000, `it had only ${killed.ms} ms`);
  assert.equal(await exitOf(gantry, "deaf"), "137");

  await detached(gantry, "now", deaf);
  assert.equal((await gantry.gantry(["stop", "-t", "0", "now"])).code, 0);
  assert.equal(await exitOf(gantry, "now"), "137");
  assert.equal((await gantry.gantry(["rm", "polite", "usr", "other", "deaf", "now"])).code, 0);
});

gantryTest("T09 stop -t -1 never kills", { versions: ["2.1"] }, async (gantry) => {
  await detached(gantry, "deaf", deaf);
  await using stop = gantry.start(["stop", "-t", "-1", "deaf"]);
  await assert.rejects(stop.ended(1500));
  assert.equal((await gantry.gantry(["kill", "deaf"])).code, 0);
  assert.deepEqual([(await stop.ended()).code, stop.out], [0, "deaf\n"]);
  assert.equal((await gantry.gantry(["rm", "deaf"])).code, 0);
});

gantryTest("T09 stop takes several at once, and all; one that does not run is no error", {}, async (gantry) => {
  const ids = await Promise.all(["one", "two", "three"].map((name) => detached(gantry, name, deaf)));
  const start = performance.now();
  const some = await gantry.gantry(["stop", "-t", "1", "two", "nobody", ids[0]?.slice(0, 12) ?? ""]);
  assert.deepEqual([some.code, some.out], [1, `two\n${ids[0]?.slice(0, 12)}\n`]);
  assert.match(some.err, /^gantry: no container "nobody" in namespace default\nhint: .*\n$/);
  assert.ok(performance.now() - start < 10_000);
  const again = await gantry.gantry(["stop", "one"]);
  assert.deepEqual([again.code, again.out, again.err], [0, "one\n", ""]);
  const all = await gantry.gantry(["stop", "--all", "-t", "0"]);
  assert.deepEqual([all.code, all.out], [0, `${ids[2]}\n`]);
  assert.deepEqual((await gantry.gantry(["stop", "-a"])).code, 0, "with none to stop");
  assert.equal((await gantry.gantry(["rm", "-a"])).code, 0);
});

gantryTest("T09 stop ends a paused container, whose process gets the signal", {}, async (gantry) => {
  await detached(gantry, "iced", polite);
  assert.equal((await gantry.gantry(["pause", "iced"])).code, 0);
  assert.equal((await gantry.gantry(["stop", "iced"])).code, 0);
  assert.equal(await exitOf(gantry, "iced"), "7");
  assert.equal((await gantry.gantry(["rm", "iced"])).code, 0);
});

gantryTest("T09 stop of a container that goes away by itself sees its end", {}, async (gantry) => {
  await detached(gantry, "brief", polite, "--rm");
  const end = await gantry.gantry(["stop", "brief"]);
  assert.deepEqual([end.code, end.out, end.err], [0, "brief\n", ""]);
});

gantryTest("T09 kill sends any signal, by name or number, with one RPC", {}, async (gantry) => {
  const script = "trap 'echo usr1' USR1; trap 'echo hup' HUP; trap 'echo rt' 37; echo up; while :; do sleep 0.05; done";
  const id = await detached(gantry, "web", script);
  const log = `${gantry.root}/containers/default/${id}/stdout.log`;
  for (const [signal, word] of [["SIGUSR1", "usr1"], ["hup", "hup"], ["37", "rt"], ["RTMIN+3", "rt"]] as const) {
    await Deno.truncate(log);
    for (const reference of [id, "web"]) {
      await assertRpcs(gantry, ["Tasks/Kill 1"], async () => {
        const end = await gantry.gantry(["kill", "-s", signal, reference]);
        assert.deepEqual([end.code, end.out, end.err], [0, `${reference}\n`, ""]);
      });
      await eventually(async () => (await Deno.readTextFile(log)).includes(word), { what: `${word} from ${signal}` });
    }
  }
  const json = await gantry.gantry(["kill", "--json", "web"]);
  assert.deepEqual([json.code, json.out], [0, '{"killed":"web"}\n']);
  assert.equal(await exitOf(gantry, "web"), "137");
  assert.equal((await gantry.gantry(["rm", "web"])).code, 0);
});

gantryTest("T06 T09 kill of one that has ended, or is not there, is not found and says so", {}, async (gantry) => {
  const id = await detached(gantry, "over", "echo up; exit 3");
  assert.equal(await exitOf(gantry, "over"), "3");
  for (const flags of [[], ["--all"]]) {
    const end = await gantry.gantry(["kill", ...flags, "over"]);
    assert.deepEqual([end.code, end.out], [1, ""]);
    assert.match(end.err, /^gantry: container \S+ does not run\nhint: start it: gantry start \S+\n$/);
  }
  const json = await gantry.gantry(["kill", "--json", "over"]);
  assert.equal(JSON.parse(json.err).code, "not_found");
  assert.equal((await gantry.gantry(["rm", "over"])).code, 0);
  const gone = await gantry.gantry(["kill", id]);
  assert.deepEqual([gone.code, gone.err], [1, `gantry: no container ${id}\n`]);
  const wrong = await gantry.gantry(["kill", "-s", "TREM", "over"]);
  assert.equal(wrong.code, 125);
  assert.match(wrong.err, /"TREM" is not a signal\nhint: did you mean "TERM"/);
});

gantryTest("T09 kill --all reaches every process, without it only the first", {}, async (gantry) => {
  const child = "trap 'echo child; exit 0' USR1; echo up; while :; do sleep 0.05; done";
  const id = await detached(gantry, "many", `trap 'echo first' USR1; (${child}) & while :; do wait; sleep 0.05; done`);
  const log = `${gantry.root}/containers/default/${id}/stdout.log`;
  assert.equal((await gantry.gantry(["kill", "-s", "USR1", "many"])).code, 0);
  await eventually(async () => (await Deno.readTextFile(log)).includes("first"), { what: "the first one's word" });
  assert.equal((await Deno.readTextFile(log)).includes("child"), false);
  assert.equal((await gantry.gantry(["kill", "--all", "-s", "USR1", "many"])).code, 0);
  await eventually(async () => (await Deno.readTextFile(log)).includes("child"), { what: "the child's word" });
  assert.equal((await gantry.gantry(["rm", "-f", "many"])).code, 0);
});

gantryTest("T09 kill --exec signals an exec and not its container", {}, async (gantry) => {
  const id = await detached(gantry, "host", "echo up; sleep 1000");
  await gantry.ctr("tasks", "exec", "--detach", "--exec-id", "e1", id, "/bin/sleep", "1000");
  const processes = async (): Promise<number> => (await gantry.ctr("tasks", "ps", id)).trim().split("\n").length - 1;
  assert.equal(await processes(), 2);
  await assertRpcs(gantry, ["Tasks/Kill 1"], async () => {
    const end = await gantry.gantry(["kill", "--exec", "e1", "host"]);
    assert.deepEqual([end.code, end.out, end.err], [0, "e1\n", ""]);
  });
  await eventually(async () => await processes() === 1, { what: "the end of the exec" });
  const missing = await gantry.gantry(["kill", "--exec", "nobody", "host"]);
  assert.deepEqual([missing.code, missing.out], [1, ""]);
  assert.match(missing.err, /^gantry: no exec nobody runs in container host\n/);
  for (
    const [args, message] of [
      [["--exec", "../x", "host"], /is not the id of an exec/],
      [["--exec", "e1", "host", "other"], /--exec is for one container, not for 2/],
      [["--exec", "e1", "--all", "host"], /exclude each other/],
    ] as const
  ) {
    const wrong = await gantry.gantry(["kill", ...args]);
    assert.equal(wrong.code, 125);
    assert.match(wrong.err, message);
  }
  assert.equal((await gantry.gantry(["rm", "-f", "host"])).code, 0);
});
