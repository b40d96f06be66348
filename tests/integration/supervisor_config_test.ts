import assert from "node:assert/strict";
import { isCode } from "../../lib/base/errors.ts";
import { checkConfig, previewConfig } from "../../lib/supervisor/config_check.ts";
import { Supervisor } from "../../lib/supervisor/supervisor.ts";
import { hangs, writeFake } from "../support/fakes/fake_containerd.ts";
import { onContainerd, onEachContainerd } from "../support/supervised.ts";
import { containerdVersion } from "../support/versions.ts";
import { namesIn } from "../unit/base/directories.ts";

const v17 = containerdVersion("1.7");

onEachContainerd(
  "config check names the keys that containerd would ignore, with the nearest right ones",
  {},
  async (it) => {
    const configExtra = `${it.path}/extra.toml`;
    await Deno.writeTextFile(
      configExtra,
      `nonsense = 3
[debug]
levl = "x"
[plugins."io.containerd.gc.v1.scheduler"]
pause_thresholdd = 0.1
startup_delay = "1s"
[plugins."io.containerd.gc.v1.schedular"]
a = 1
`,
    );
    const { problems } = await checkConfig({ ...it.options, configExtra });
    assert.deepEqual(
      problems.map(({ kind, message, hint }) => [kind, message.replace("containerd does not know ", ""), hint]),
      [
        ["unknown_key", "debug.levl", 'did you mean "level"?'],
        ["unknown_key", "nonsense", undefined],
        ["unknown_key", "plugins.io.containerd.gc.v1.scheduler.pause_thresholdd", 'did you mean "pause_threshold"?'],
        [
          "unknown_key",
          "this containerd has no plugin io.containerd.gc.v1.schedular that can be configured",
          'did you mean "io.containerd.gc.v1.scheduler"?',
        ],
      ].sort((a, b) => a[0] === b[0] ? 0 : 1),
    );
    assert.deepEqual(namesIn(it.path), ["extra.toml"], "the instance was not touched");
  },
);

onEachContainerd("config check says what containerd refuses", {}, async (it) => {
  const configExtra = `${it.path}/extra.toml`;
  await Deno.writeTextFile(configExtra, 'disabled_plugins = ["nodots"]\n');
  const { problems } = await checkConfig({ ...it.options, configExtra });
  assert.deepEqual(problems.map(({ kind }) => kind), ["error"]);
  assert.match(problems[0]?.message ?? "", /containerd refuses the configuration: .*nodots/);
});

onContainerd("config check does not wait for a containerd that hangs, and a preview needs no state directory", {
  version: v17,
}, async (it) => {
  const { config, binary } = await previewConfig(it.options);
  assert.equal(binary.version, it.version.version);
  assert.ok(config.text.includes(it.paths.address));
  assert.deepEqual(namesIn(it.path), []);
  const containerd = await writeFake(`${it.path}/fake`, { body: hangs });
  const stop = new AbortController();
  const checked = checkConfig({ ...it.options, containerd }, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 200);
  await assert.rejects(checked, /enough/);
});

onEachContainerd("an extra configuration reaches containerd", {}, async (it) => {
  const configExtra = `${it.path}/extra.toml`;
  await Deno.writeTextFile(configExtra, `[metrics]\naddress = "127.0.0.1:0"\n[debug]\nlevel = "debug"\n`);
  await using supervisor = await Supervisor.open({ ...it.options, configExtra });
  await supervisor.start();
  assert.match(await Deno.readTextFile(it.paths.log), /level=debug/);
});

onContainerd(
  "an extra configuration that gantry cannot take ends the start and names the file",
  { version: v17 },
  async (it) => {
    const configExtra = `${it.path}/extra.toml`;
    for (
      const [text, message] of [
        ['root = "/x"\n', /extra\.toml sets root, which gantry decides/],
        ["[broken\n", /extra\.toml line 1: /],
      ] as const
    ) {
      await Deno.writeTextFile(configExtra, text);
      const supervisor = await Supervisor.open({ ...it.options, configExtra });
      await assert.rejects(
        supervisor.start(),
        (error) => isCode(error, "invalid_argument") && message.test(error.message),
      );
      await supervisor.ended;
    }
  },
);
