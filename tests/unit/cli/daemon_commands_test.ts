import assert from "node:assert/strict";
import { boundedLog } from "../../../lib/cli/daemon_log.ts";
import { instanceLocation } from "../../../lib/cli/instance.ts";
import { test } from "../../support/test.ts";
import { type CapturedOptions, type Transcript, transcript } from "./captured_io.ts";
import { acting } from "./sample_command.ts";

const home = { HOME: "/nonexistent" };

interface Instance {
  readonly directory: string;
  run(argv: readonly string[], options?: CapturedOptions): Promise<Transcript>;
}

async function withInstance(use: (instance: Instance) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "gcli" });
  try {
    await use({
      directory,
      run: (argv, options) => transcript([...argv, "--state", `${directory}/s`, "--root", `${directory}/r`], options),
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

test("S22 status of an instance that is down says so in text and JSON and exits 3", async () => {
  await withInstance(async ({ directory, run }) => {
    assert.deepEqual(await run(["status"]), {
      code: 3,
      stdout: `state     down\naddress   ${directory}/s/containerd.sock\n` +
        `config    ${directory}/s/containerd.toml\nlog       ${directory}/r/log/containerd.log\n`,
      stderr: "",
    });
    const { code, stdout } = await run(["status", "--json"]);
    assert.equal(code, 3);
    assert.deepEqual(JSON.parse(stdout), {
      state: "down",
      address: `${directory}/s/containerd.sock`,
      containerdPid: null,
      supervisorPid: null,
      version: null,
      adopted: false,
      restarts: 0,
      uptimeSeconds: null,
      lastFailure: null,
      config: `${directory}/s/containerd.toml`,
      logFile: `${directory}/r/log/containerd.log`,
    });
    assert.equal((await run(["status", "--format", "{{.State}} {{.ContainerdPid}}"])).stdout, "down \n");
  });
});

test("down with nothing running succeeds", async () => {
  await withInstance(async ({ directory, run }) => {
    assert.deepEqual(await run(["down"]), { code: 0, stdout: `nothing was up in ${directory}/s\n`, stderr: "" });
    assert.deepEqual(JSON.parse((await run(["down", "--json"])).stdout), { stopped: false, killed: false });
  });
});

test("S19 up with a containerd that is not there fails with 1 and leaves nothing running", async () => {
  await withInstance(async ({ run }) => {
    const { code, stdout, stderr } = await run([
      "up",
      "--containerd",
      "/nonexistent/containerd",
      "--log-level",
      "fatal",
    ]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^gantry: there is no program \/nonexistent\/containerd\nhint: /);
    assert.equal((await run(["status"])).code, 3);
  });
});

test("T16 settings of up that cannot be meant are refused before anything is made", async () => {
  await withInstance(async ({ directory, run }) => {
    for (
      const [flag, value] of [["oom-score", "1001"], ["health-failures", "0"], ["start-timeout", "soon"], [
        "log-max-size",
        "1x",
      ]]
    ) {
      const { code, stderr } = await run(["up", `--${flag}`, String(value)]);
      assert.equal(code, 125);
      assert.ok(stderr.startsWith(`gantry: --${flag}: "${value}" is not `), stderr);
    }
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  });
});

test("S20 a socket path that is too long is refused with its length", async () => {
  await withInstance(async ({ directory }) => {
    const state = `${directory}/${"x".repeat(100)}`;
    const { code, stderr } = await transcript(["up", "--detach", "--state", state, "--root", `${directory}/r`]);
    assert.equal(code, 125);
    assert.match(stderr, /bytes long; at most 104 work\nhint: choose a shorter state directory/);
  });
});

test("config show is a configuration file that gives what it was made from", async () => {
  await withInstance(async ({ directory, run }) => {
    const env = { ...home, GANTRY_OOM_SCORE: "-500", GANTRY_CRI: "1", GANTRY_START_TIMEOUT: "1m" };
    const shown = await run(["config", "show"], { env });
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /^# oom_score_adj of containerd, -1000 to 1000\noom_score = -500\n/m);
    assert.match(shown.stdout, /^cri = true\n/m);
    assert.match(shown.stdout, /^# health_interval = "5s"\n/m);
    const path = `${directory}/config.toml`;
    await Deno.writeTextFile(path, shown.stdout);
    const again = await transcript(["config", "show"], { env: { ...home, GANTRY_CONFIG: path } });
    assert.deepEqual(again, shown);
  });
});

test("config show --origin says where each value comes from", async () => {
  await withInstance(async ({ directory, run }) => {
    const path = `${directory}/config.toml`;
    await Deno.writeTextFile(path, '\nhealth_interval = "9s"\n');
    const { stdout } = await run(["config", "show", "--origin", "--config", path], {
      env: { ...home, GANTRY_OOM_SCORE: "1" },
    });
    assert.match(stdout, new RegExp(`^health_interval = "9s" {2}# ${path}:2$`, "m"));
    assert.match(stdout, /^oom_score = 1 {2}# GANTRY_OOM_SCORE$/m);
    assert.match(stdout, /^state = ".*" {2}# --state$/m);
    assert.match(stdout, /^# stop_timeout = "15s" {2}# default$/m);
    assert.match(stdout, /^# config_extra = "" {2}# not set$/m);
  });
});

test("config show in JSON is a line for each setting, and fields of a template", async () => {
  await withInstance(async ({ run }) => {
    const { stdout } = await run(["config", "show", "--json"]);
    const lines = stdout.trim().split("\n").map((line) => Object(JSON.parse(line)));
    const score = lines.find((line) => line.key === "oom_score");
    assert.deepEqual(score, {
      key: "oom_score",
      value: null,
      origin: "default",
      summary: "oom_score_adj of containerd, -1000 to 1000",
    });
    assert.match((await run(["config", "show", "--format", "{{.Key}}={{.Value}}"])).stdout, /^log_max_size=10m$/m);
  });
});

test("config path is the file that would be read", async () => {
  assert.deepEqual(await transcript(["config", "path"], { env: home }), {
    code: 0,
    stdout: "/nonexistent/.config/gantry/config.toml\n",
    stderr: "",
  });
  assert.equal((await transcript(["config", "path", "--config", "/x.toml", "--json"])).stdout, '{"path":"/x.toml"}\n');
});

test("T16 config check refuses a broken file of ours with 125", async () => {
  await withInstance(async ({ directory, run }) => {
    const path = `${directory}/config.toml`;
    await Deno.writeTextFile(path, "oom_scroe = 1\n");
    const { code, stderr } = await run(["config", "check", "--config", path]);
    assert.equal(code, 125);
    assert.match(stderr, /:1: unknown key "oom_scroe"\nhint: did you mean oom_score\?\n$/);
  });
});

test("an instance's socket is not taken from CONTAINERD_ADDRESS, which is somebody else's", async () => {
  const location = async (env: Readonly<Record<string, string>>, ...argv: readonly string[]) => {
    const commands = [acting("where", (context) => {
      context.output.raw(String(instanceLocation(context).address));
      return Promise.resolve(0);
    })];
    return (await transcript(["where", ...argv], { commands, env: { ...home, ...env } })).stdout;
  };
  assert.equal(await location({ CONTAINERD_ADDRESS: "/run/containerd/containerd.sock" }), "undefined");
  assert.equal(await location({ GANTRY_ADDRESS: "/run/x.sock" }), "/run/x.sock");
  assert.equal(await location({ CONTAINERD_ADDRESS: "/a.sock" }, "--address", "/run/y.sock"), "/run/y.sock");
});

test("the log of up is kept within its limits when it is a file", async () => {
  const directory = await Deno.makeTempDir({ prefix: "gcli" });
  try {
    const path = `${directory}/gantry.log`;
    using file = Deno.openSync(path, { append: true, create: true });
    await Deno.symlink(path, `${directory}/fd`);
    const sink = { isTerminal: false, write: (text: string) => void file.writeSync(new TextEncoder().encode(text)) };
    const write = boundedLog(sink, { maxBytes: 100, maxFiles: 2 }, `${directory}/fd`);
    for (let line = 0; line < 25; line++) write(`line ${String(line).padStart(4, "0")}`);
    const names = [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
    assert.deepEqual(names, ["fd", "gantry.log", "gantry.log.1"]);
    const kept = (await Deno.readTextFile(`${path}.1`)) + (await Deno.readTextFile(path));
    assert.ok(kept.length <= 210, String(kept.length));
    assert.ok(kept.endsWith("line 0023\nline 0024\n"), kept);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

test("info shows host, instance and engine", async () => {
  await withInstance(async ({ directory, run }) => {
    const { code, stdout } = await run(["info", "--json", "--address", "/run/x.sock"]);
    assert.equal(code, 0);
    const { host, instance, engine } = Object(JSON.parse(stdout));
    assert.ok(["v1", "v2", "hybrid"].includes(host.cgroups), host.cgroups);
    assert.deepEqual([instance.state, instance.root, instance.settings], [`${directory}/s`, `${directory}/r`, null]);
    assert.deepEqual([engine.address, engine.origin, engine.namespace], ["/run/x.sock", "given", "default"]);
  });
});
