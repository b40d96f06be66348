import assert from "node:assert/strict";
import { openRuntime } from "../support/engine.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";
import { assertRpcs } from "../support/rpc_delta.ts";
import { testRuntime } from "../support/test_runtime.ts";

/** Runs a detached container and gives its id. */
async function started(gantry: GantryInstance, args: readonly string[]): Promise<string> {
  const end = await gantry.gantry(["run", "-d", "--rootfs", gantry.rootfs, ...args]);
  assert.equal(end.code, 0, end.err);
  return end.out.trim();
}

/** What `gantry ps` with these words prints, ids as their names and times as `TIME`. */
async function shown(gantry: GantryInstance, args: readonly string[], ids: Readonly<Record<string, string>>) {
  const end = await gantry.gantry(["ps", ...args]);
  assert.deepEqual([end.code, end.err], [0, ""], args.join(" "));
  const text = Object.entries(ids).reduce(
    (all, [name, id]) => all.replaceAll(id, `<${name}>`).replaceAll(id.slice(0, 12), `<${name}>`),
    end.out.replaceAll(gantry.rootfs, "ROOTFS"),
  );
  return text.replace(/(?:Less than a second|About a minute|\d+ seconds?)/g, "TIME").replace(/ {2,}/g, "  ");
}

gantryTest("ps lists what runs, and with filters and -n what ended, the newest first", {}, async (gantry) => {
  const script = "exec sleep 1000 # a command that is longer than twenty";
  const a = await started(gantry, ["--name", "aa", "--label", "app=web", ...sh(script)]);
  const b = await started(gantry, ["--name", "bb", "--label", "app=db", "-v", "/opt:/data", "--", "sleep", "1000"]);
  const c = (await gantry.gantry(["run", "--name", "cc", "--rootfs", gantry.rootfs, ...sh("exit 3")])).code;
  assert.equal(c, 3);
  await gantry.ctr("tasks", "pause", b);
  const [last = ""] = (await gantry.gantry(["ps", "-lq", "--no-trunc"])).out.split("\n");
  const ids = { aa: a, bb: b, cc: last };
  const header = "CONTAINER ID  IMAGE  COMMAND  CREATED  STATUS  NAMES\n";
  const lines = {
    aa: '<aa>  ROOTFS  "/bin/sh -c exec sle…"  TIME ago  Up TIME  aa\n',
    bb: '<bb>  ROOTFS  "sleep 1000"  TIME ago  Up TIME (Paused)  bb\n',
    cc: '<cc>  ROOTFS  "/bin/sh -c exit 3"  TIME ago  Exited (3) TIME ago  cc\n',
  };
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], header + lines.bb + lines.aa],
    [["-a"], header + lines.cc + lines.bb + lines.aa],
    [["-n", "2"], header + lines.cc + lines.bb],
    [["--last=1"], header + lines.cc],
    [["-l"], header + lines.cc],
    [["-q"], "<bb>\n<aa>\n"],
    [["-aq", "--no-trunc"], "<cc>\n<bb>\n<aa>\n"],
    [["-f", "status=exited"], header + lines.cc],
    [["-f", "exited=3", "-q"], "<cc>\n"],
    [["-f", "exited=4", "-q"], ""],
    [["-f", "status=paused", "-f", "status=running", "-q"], "<bb>\n<aa>\n"],
    [["-f", "label=app=web", "-q"], "<aa>\n"],
    [["-f", "name=^b", "-q"], "<bb>\n"],
    [["-f", "volume=/data", "-q"], "<bb>\n"],
    [["-f", "network=none", "-n", "1", "-q"], "<cc>\n"],
    [["-f", "since=aa", "-q"], "<bb>\n"],
    [["-a", "-f", "before=cc", "-q"], "<bb>\n<aa>\n"],
    [["--format", "{{.Names}} {{.State}} {{.Mounts}} {{.Networks}}"], "bb paused /opt none\naa running  none\n"],
    [["--format", "table {{.ID}}\\t{{.Status}}"], "CONTAINER ID  STATUS\n<bb>  Up TIME (Paused)\n<aa>  Up TIME\n"],
  ];
  for (const [args, text] of cases) assert.equal(await shown(gantry, args, ids), text, args.join(" "));
  const [json = ""] = (await gantry.gantry(["ps", "--json", "-f", "name=aa"])).out.split("\n");
  const { Command, State, ExitCode, Pid, Labels, ID } = JSON.parse(json);
  assert.deepEqual({ Command, State, ExitCode, ID }, {
    Command: `"/bin/sh -c ${script}"`,
    State: "running",
    ExitCode: undefined,
    ID: a,
  });
  assert.ok(Labels.includes("app=web") && Pid > 0);
  const wrong = await gantry.gantry(["ps", "-f", "nme=x"]);
  assert.deepEqual([wrong.code, wrong.out], [125, ""]);
  assert.match(wrong.err, /there is no key "nme"\nhint: did you mean "name"\?/);
  assert.equal((await gantry.gantry(["ps", "-n", "0"])).code, 125);
  assert.equal((await gantry.gantry(["rm", "-f", "aa", "bb", "cc"])).code, 0);
});

gantryTest("T14 ps of 500 containers is one list of containers and one of tasks", {}, async (gantry) => {
  const running = await started(gantry, ["--name", "live", "--", "sleep", "1000"]);
  await using engine = openRuntime(gantry);
  const { records } = engine;
  const { spec = assert.fail("no spec"), runtime, labels } = await records.get(running);
  const names = Array.from({ length: 500 }, (_, index) => `stored${index}`);
  // Records in files are beside the logs.
  const folders = testRuntime === "shim" ? names.map((id) => `${gantry.root}/containers/default/${id}`) : [];
  for (const folder of folders) await Deno.mkdir(folder);
  for (const id of names) await records.create({ id, spec, runtime, labels: { ...labels, "gantry/name": id } });
  await assertRpcs(gantry, ["Containers/List 1", "Tasks/List 1"], async () => {
    const end = await gantry.gantry(["ps", "-aq", "--no-trunc"]);
    assert.deepEqual(new Set(end.out.trim().split("\n")), new Set([running, ...names]));
  });
  assert.equal((await gantry.gantry(["ps", "-q", "--no-trunc"])).out, `${running}\n`);
  for (const id of names) await records.delete(id);
  for (const folder of folders) await Deno.remove(folder);
  assert.equal((await gantry.gantry(["rm", "-f", "live"])).code, 0);
});

gantryTest(
  "T14 ps answers within 2.5 s beside a hung shim, whose container it shows as unknown",
  {},
  async (gantry) => {
    const hung = await started(gantry, ["--name", "hung", "--", "sleep", "1000"]);
    await Promise.all(["w1", "w2", "w3"].map((name) => started(gantry, ["--name", name, "--", "sleep", "1000"])));
    const shim = await gantry.shimOf(hung);
    Deno.kill(shim, "SIGSTOP");
    try {
      const list = await gantry.gantry(["ps", "--format", "{{.Names}} {{.State}}"]);
      const lines = list.out.trim().split("\n").sort();
      assert.deepEqual(lines, ["hung unknown", "w1 running", "w2 running", "w3 running"]);
      assert.ok(list.ms < 4000, `${list.ms} ms on a shared machine`);
      const [shown] = JSON.parse((await gantry.gantry(["inspect", "hung"])).out);
      assert.deepEqual([shown.State.Status, shown.State.Pid], ["unknown", 0]);
      for (const args of [["top", "hung"], ["update", "-m", "64m", "hung"]]) {
        const end = await gantry.gantry(args);
        assert.deepEqual([end.code, end.out], [1, ""]);
        assert.match(end.err, /^gantry: the shim of container \w+ does not answer\nhint: /);
      }
      const other = await gantry.gantry(["top", "w1", "args"]);
      assert.equal(other.out, "COMMAND\nsleep 1000\n");
    } finally {
      Deno.kill(shim, "SIGCONT");
    }
    assert.equal((await gantry.gantry(["rm", "-f", "hung", "w1", "w2", "w3"])).code, 0);
  },
);
