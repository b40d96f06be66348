import assert from "node:assert/strict";
import { unpackJson } from "../../lib/wire/any.ts";
import { openRuntime } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { type GantryInstance, gantryTest, sh } from "../support/gantry.ts";

async function started(gantry: GantryInstance, args: readonly string[]): Promise<string> {
  const end = await gantry.gantry(["run", "-d", "--rootfs", gantry.rootfs, ...args]);
  assert.equal(end.code, 0, end.err);
  return end.out.trim();
}

/** What runc itself says of a container. */
async function runcState(gantry: GantryInstance, id: string): Promise<Record<string, unknown>> {
  const args = ["--root", `${gantry.containerd.runcRoot}/default`, "state", id];
  const { code, stdout } = await new Deno.Command("runc", { args, stdin: "null" }).output();
  assert.equal(code, 0);
  return JSON.parse(new TextDecoder().decode(stdout));
}

gantryTest("inspect shows what runc, containerd and the user know of a container", {}, async (gantry) => {
  const { rootfs } = gantry;
  const flags = [
    "--name",
    "web",
    "-m",
    "64m",
    "--cpus",
    "0.5",
    "--pids-limit",
    "50",
    "-e",
    "SECRET=x y",
    "--hostname",
    "h",
  ];
  flags.push("-v", "/opt:/data:ro", "--tmpfs", "/scratch", "-w", "/tmp", "-u", "65534:65534", "--label", "app=web");
  const id = await started(gantry, [...flags, "--", "sleep", "1000"]);
  const { code, out, err } = await gantry.gantry(["inspect", "web"]);
  assert.deepEqual([code, err], [0, ""]);
  const [shown, ...others] = JSON.parse(out);
  assert.deepEqual(others, []);
  const state = await runcState(gantry, id);
  assert.equal(shown.Id, id);
  assert.equal(shown.Name, "/web");
  assert.deepEqual([shown.Path, shown.Args], ["sleep", ["1000"]]);
  assert.deepEqual([shown.State.Pid, shown.State.Status], [state["pid"], state["status"]]);
  assert.equal(shown.Gantry.Bundle, state["bundle"]);
  // runc is told a moment after the shim has its process.
  const late = Date.parse(String(state["created"])) - Date.parse(shown.State.StartedAt);
  assert.ok(late > -2000 && late < 20_000, `${shown.State.StartedAt} ${state["created"]}`);
  const { HostConfig, Config } = shown;
  assert.deepEqual(
    [HostConfig.Memory, HostConfig.NanoCpus, HostConfig.PidsLimit, HostConfig.Binds, HostConfig.NetworkMode],
    [64 << 20, 5e8, 50, ["/opt:/data:ro"], "none"],
  );
  assert.deepEqual(
    shown.Mounts.map(({ Type, Source, Destination, RW }: Record<string, unknown>) => [
      Type,
      Source,
      Destination,
      RW,
    ]),
    [["bind", "/opt", "/data", false], ["tmpfs", "", "/scratch", true]],
  );
  assert.deepEqual([Config.Hostname, Config.User, Config.WorkingDir, Config.Cmd, Config.Tty, Config.Labels.app], [
    "h",
    "65534:65534",
    "/tmp",
    ["sleep", "1000"],
    false,
    "web",
  ]);
  assert.ok(Config.Env.includes("SECRET=x y"));
  assert.equal(shown.GraphDriver.Data.RootDir, rootfs);
  assert.equal(shown.LogPath, `${gantry.root}/containers/default/${id}/stdout.log`);
  assert.equal(shown.ExecIDs, null);
  assert.equal((await gantry.gantry(["exec", "-d", "web", "sleep", "2000"])).code, 0);
  const [{ ExecIDs }] = JSON.parse((await gantry.gantry(["inspect", "web"])).out);
  assert.equal(ExecIDs.length, 1);
  await gantry.ctr("tasks", "pause", id);
  const paused = await gantry.gantry([
    "inspect",
    "-f",
    "{{.State.Status}} {{.State.Running}} {{json .Config.Cmd}}",
    "web",
  ]);
  assert.deepEqual([paused.code, paused.out], [0, 'paused true ["sleep","1000"]\n']);
  await gantry.ctr("tasks", "resume", id);
  assert.equal((await gantry.gantry(["rm", "-f", "web"])).code, 0);
});

gantryTest(
  "inspect tells how and when a container ended, and that the kernel killed it for want of memory",
  {},
  async (gantry) => {
    const script = "(tail /dev/zero); exit 7";
    const since = Date.now();
    const id = await started(gantry, ["--name", "oom", "-m", "16m", ...sh(script)]);
    const state = await eventually(async () => {
      const [{ State }] = JSON.parse((await gantry.gantry(["inspect", "oom"])).out);
      return State.Status === "exited" ? State : undefined;
    }, { what: "the end" });
    const { StartedAt, FinishedAt, ...rest } = state;
    assert.deepEqual(rest, {
      Status: "exited",
      Running: false,
      Paused: false,
      Restarting: false,
      OOMKilled: true,
      Dead: false,
      Pid: 0,
      ExitCode: 7,
      ExitExact: true,
      Error: "",
    });
    assert.ok(
      Date.parse(StartedAt) > since - 2000 && Date.parse(FinishedAt) >= Date.parse(StartedAt) - 1000,
      StartedAt,
    );
    assert.equal((await gantry.gantry(["inspect", "-f", "{{.State.OOMKilled}}", id.slice(0, 10)])).out, "true\n");
    assert.equal((await gantry.gantry(["rm", "oom"])).code, 0);
  },
);

gantryTest("inspect shows those that are there, tells of the others, and exits 1", {}, async (gantry) => {
  for (const name of ["one", "two"]) {
    assert.equal((await gantry.gantry(["run", "--name", name, "--rootfs", gantry.rootfs, ...sh("exit 3")])).code, 3);
  }
  const both = await gantry.gantry(["inspect", "two", "nope", "one"]);
  assert.equal(both.code, 1);
  assert.deepEqual(JSON.parse(both.out).map(({ Name }: { Name: string }) => Name), ["/two", "/one"]);
  assert.match(both.err, /^gantry: no container "nope"[^\n]*\nhint: [^\n]*\n$/);
  const none = await gantry.gantry(["inspect", "nope"]);
  assert.deepEqual([none.code, none.out], [1, "[]\n"]);
  const unknown = await gantry.gantry(["inspect", "f".repeat(64)]);
  assert.deepEqual([unknown.code, unknown.out], [1, "[]\n"]);
  assert.match(unknown.err, /not found|no container/);
  const field = await gantry.gantry(["inspect", "--format", "{{.Stat.Pid}}", "one"]);
  assert.equal(field.code, 125);
  assert.match(field.err, /there is no field \.Stat\nhint: did you mean \.State\?/);
  assert.equal((await gantry.gantry(["inspect", "-f", "{{.Id}}", "--format", "{{.Id}}", "one"])).code, 125);
  assert.equal((await gantry.gantry(["inspect", "--type", "image", "one"])).code, 125);
  assert.equal((await gantry.gantry(["rm", "one", "two"])).code, 0);
});

gantryTest(
  "inspect --spec prints the stored spec with all its digits: one object, or an array of several",
  {},
  async (gantry) => {
    await started(gantry, ["--name", "one", "--ulimit", "core=-1", "--", "sleep", "1000"]);
    await started(gantry, ["--name", "two", "--", "sleep", "1000"]);
    const spec = await gantry.gantry(["inspect", "--spec", "one"]);
    assert.equal(spec.code, 0, spec.err);
    const [{ Id }] = JSON.parse((await gantry.gantry(["inspect", "one"])).out);
    await using runtime = openRuntime(gantry);
    const record = await runtime.records.get(Id);
    assert.deepEqual(JSON.parse(spec.out), unpackJson(record.spec));
    // Go refuses 18446744073709552000, which is what a double makes of it.
    assert.match(spec.out, /"soft": 18446744073709551615\b/);
    const several = JSON.parse((await gantry.gantry(["inspect", "--spec", "two", "one"])).out);
    assert.deepEqual(several.map(({ process }: { process: { args: unknown } }) => process.args), [
      ["sleep", "1000"],
      ["sleep", "1000"],
    ]);
    const field = await gantry.gantry(["inspect", "--spec", "-f", "{{.process.cwd}}", "one"]);
    assert.equal(field.out, "/\n");
    assert.deepEqual((await gantry.gantry(["inspect", "--spec", "nope"])).out, "");
    assert.equal((await gantry.gantry(["rm", "-f", "one", "two"])).code, 0);
  },
);
