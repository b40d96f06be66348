import assert from "node:assert/strict";
import { needsRoot, test } from "../support/test.ts";
import { runProgram, type StubSetting, withRealStub } from "./stub_setting.ts";

// esbuild keeps one child process for the life of this test process: it is none of a single test's.
const options = { sanitizeOps: false, sanitizeResources: false };

interface Seen {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
  readonly umask: number;
  readonly cwd: string;
  readonly comm: string;
  readonly self: readonly string[];
}

/** What the probe saw when it was started this way. */
async function seenBy(
  setting: StubSetting,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  const { code, stdout, stderr } = await setting.run(args, { env });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("arguments, environment, folder, umask and pid reach the program as they were given", options, async (t) => {
  await withRealStub("probe.ts", async (setting) => {
    await t.step("arguments", async () => {
      const args = ["a b", "", "--", "-x", "new\nline", "*", "$HOME", "'\"\\", "ä😀", "--help", "--v8-flags=--x", " "];
      assert.deepEqual((await seenBy(setting, args)).args, args);
      assert.deepEqual((await seenBy(setting, [])).args, []);
    });

    await t.step("environment, also what the stub itself uses", async () => {
      const cases: readonly Readonly<Record<string, string>>[] = [
        {},
        { DENO_DIR: "/mine", DENO_NO_UPDATE_CHECK: "", NO_COLOR: "1" },
        { DENO_DIR: "", gantry_stub_cache: "mine", gantry_stub_item: "", EMPTY: "", NEW: "a\nb" },
      ];
      for (const extra of cases) {
        const env: Record<string, string> = { PATH: "/usr/bin:/bin", GANTRY_CACHE: setting.cache, ...extra };
        const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
        const { stdout, stderr } = await runProgram("env", ["-i", ...pairs, setting.executable]);
        assert.equal(stderr, "");
        const seen: Seen = JSON.parse(stdout);
        // The stub's own variables are never exported, but one that the user exports under their name is the shell's to change.
        const { gantry_stub_cache: _cache, gantry_stub_item: _item, PWD: _pwd, ...rest } = seen.env;
        const { gantry_stub_cache: _c, gantry_stub_item: _i, ...expected } = env;
        assert.deepEqual(rest, expected);
      }
    });

    await t.step("children see the user's DENO_DIR too", async () => {
      const { env } = await seenBy(setting, [], { DENO_DIR: "/mine" });
      assert.equal(env["DENO_DIR"], "/mine");
      assert.deepEqual(Object.keys(env).filter((name) => name.startsWith("GANTRY_STUB")), []);
    });

    await t.step("folder, umask and the way to start it again, by any path", async () => {
      await Deno.symlink(setting.executable, `${setting.home}/link`);
      const script = 'cd "$1" && umask 027 && "$2"';
      const ways: readonly (readonly [string, string])[] = [
        [setting.executable, setting.executable],
        ["./gantry", `${setting.home}/./gantry`],
        [`${setting.home}/link`, `${setting.home}/link`],
      ];
      for (const [way, self] of ways) {
        const env = { GANTRY_CACHE: setting.cache };
        const { stdout } = await runProgram("sh", ["-c", script, "sh", setting.home, way], { env });
        const seen: Seen = JSON.parse(stdout);
        assert.deepEqual([seen.cwd, seen.umask, seen.self], [setting.home, 0o027, [self]], way);
      }
      const { stdout } = await runProgram("gantry", [], {
        env: { GANTRY_CACHE: setting.cache, PATH: `${setting.home}:/usr/bin:/bin` },
      });
      assert.deepEqual(JSON.parse(stdout).self, [setting.executable]);
    });

    await t.step("the process keeps its pid and is called gantry", async () => {
      const child = new Deno.Command(setting.executable, {
        env: { GANTRY_CACHE: setting.cache },
        stdout: "piped",
      }).spawn();
      const seen: Seen = JSON.parse(new TextDecoder().decode((await child.output()).stdout));
      assert.deepEqual([seen.pid, seen.comm], [child.pid, "gantry"]);
    });

    await t.step("signals reach the program, and its exit code comes back", async () => {
      for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
        const child = new Deno.Command(setting.executable, {
          args: ["signals"],
          env: { GANTRY_CACHE: setting.cache },
          stdout: "piped",
        }).spawn();
        const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
        assert.deepEqual(await reader.read(), { done: false, value: `ready ${child.pid}\n` });
        child.kill(signal);
        assert.deepEqual(await reader.read(), { done: false, value: `${signal}\n` });
        assert.equal((await child.status).code, code);
        await reader.cancel();
      }
    });

    await t.step("standard input and output are byte exact", async () => {
      const bytes = crypto.getRandomValues(new Uint8Array(60_000));
      const child = new Deno.Command(setting.executable, {
        args: ["copy"],
        env: { GANTRY_CACHE: setting.cache },
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const [output] = await Promise.all([child.output(), new Blob([bytes]).stream().pipeTo(child.stdin)]);
      assert.deepEqual(output.stdout, bytes);
    });

    await t.step("files of the user's folders change nothing", async () => {
      const folder = `${setting.home}/project`;
      await Deno.mkdir(folder);
      for (const name of ["deno.json", "package.json", ".npmrc", "deno.lock", "tsconfig.json", ".env"]) {
        await Deno.writeTextFile(`${folder}/${name}`, "{ this is no JSON");
        await Deno.writeTextFile(`${setting.cache}/${name}`, "{ this is no JSON");
      }
      const { code, stderr } = await setting.run([], { cwd: folder, env: { HOME: folder } });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    });

    await t.step("a folder that others may write to since the first run is refused", async () => {
      for (
        const name of [
          ".",
          ...[...Deno.readDirSync(setting.cache)].filter((e) => e.isDirectory).map((e) => e.name),
        ]
      ) {
        await Deno.chmod(`${setting.cache}/${name}`, 0o777);
        const { code, stdout, stderr } = await setting.run();
        assert.deepEqual([code, stdout], [125, ""], name);
        assert.match(stderr, /can be written by others\nhint: /);
        await Deno.chmod(`${setting.cache}/${name}`, 0o700);
      }
      assert.equal((await setting.run()).code, 0);
    });
  });
});

test("a read-only cache and a code cache that is junk do not keep the program from running", {
  ...options,
  skip: needsRoot(),
}, async () => {
  await withRealStub("probe.ts", async (setting) => {
    assert.equal((await setting.run()).code, 0);
    const program = [...Deno.readDirSync(setting.cache)].find(({ name }) => name.startsWith("gantry-"))?.name;
    const codeCache = `${setting.cache}/${program}/deno`;
    for (const { name, isFile } of Deno.readDirSync(codeCache)) {
      if (isFile) await Deno.writeTextFile(`${codeCache}/${name}`, "junk");
    }
    const { code, stderr } = await setting.run();
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    await runProgram("mount", ["--bind", setting.cache, setting.cache]);
    try {
      await runProgram("mount", ["-o", "remount,ro,bind", setting.cache]);
      const readOnly = await setting.run();
      assert.deepEqual({ code: readOnly.code, stderr: readOnly.stderr }, { code: 0, stderr: "" });
    } finally {
      await runProgram("umount", [setting.cache]);
    }
  });
});
