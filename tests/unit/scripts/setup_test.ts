import assert from "node:assert/strict";
import { needsRoot, test } from "../../support/test.ts";
import { projectDir } from "../../support/versions.ts";
import { withMachine } from "./setup_setting.ts";

const offline = 'echo "$*" >>"$CALLS"; echo "E: Could not resolve the mirror" >&2; exit 100';

test("on a machine that has everything setup says nothing and asks no package tool", async () => {
  await withMachine(async ({ setup, calls }) => {
    assert.deepEqual(await setup(), { code: 0, said: "" });
    assert.deepEqual(await calls(), []);
  });
});

test("setup installs what is missing and only that", { skip: needsRoot() }, async () => {
  await withMachine(async ({ setup, calls, remove }) => {
    await remove("containerd");
    const { code, said } = await setup();
    assert.equal(code, 0, said);
    assert.match(said, /^setup: installing from Debian: containerd \nsetup: done\n$/);
    const installs = (await calls()).filter((line) => line.includes("install"));
    assert.equal(installs.length, 1);
    assert.match(installs[0] ?? "", /--no-install-recommends -o DPkg::Lock::Timeout=120 install containerd$/);
    assert.deepEqual(await setup(), { code: 0, said: "" });
  });
});

test("setup installs Deno from npm into the project when there is none, or only an old one", async () => {
  for (const old of [undefined, 'echo "deno 2.4.2 (old)"', 'echo "deno 3.0.0 (too new)"', "exit 1"]) {
    await withMachine(async ({ setup, calls, remove, fake, project }) => {
      if (old === undefined) await remove("deno");
      else await fake("deno", old);
      await Deno.mkdir(`${project}/.cache/deno.part.1/bin`, { recursive: true });
      const { code, said } = await setup();
      assert.equal(code, 0, said);
      assert.match(said, /setup: installing Deno 2\.9\.6 from npm into \.cache\/deno/);
      assert.deepEqual((await calls()).map((line) => line.replace(/ --prefix \S+/, "")), [
        "npm install --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error deno@2.9.6",
      ]);
      const left = [...Deno.readDirSync(`${project}/.cache`)].map(({ name }) => name).sort();
      assert.deepEqual(left, ["deno", "setup.lock", "setup.log"]);
      assert.deepEqual(await setup(), { code: 0, said: "" });
    });
  }
});

test("offline, setup names what it could not get and what to do, and leaves nothing half made", {
  skip: needsRoot(),
}, async () => {
  await withMachine(async ({ setup, fake, remove, project }) => {
    await remove("containerd");
    await fake("apt-get", offline);
    const { code, said } = await setup();
    assert.equal(code, 1);
    assert.match(said, /could not install containerd: E: Could not resolve the mirror/);
    assert.match(said, /Is the network there\? By hand: apt-get update && apt-get install -y containerd/);
    await fake("containerd", "");
    await remove("deno");
    await fake("npm", 'echo "npm error code ENOTFOUND" >&2; exit 1');
    const deno = await setup();
    assert.equal(deno.code, 1);
    assert.match(deno.said, /npm could not install deno@2\.9\.6: npm error code ENOTFOUND/);
    assert.match(deno.said, /registry reachable\? A deno 2\.9\.6 or later on PATH is used/);
    assert.equal(await Deno.stat(`${project}/.cache/deno`).catch(() => undefined), undefined);
  });
});

test("setup waits for the lock of another apt", { skip: needsRoot() }, async () => {
  await withMachine(async ({ setup, fake, remove, calls }) => {
    await remove("containerd");
    await fake(
      "apt-get",
      'echo "apt-get $*" >>"$CALLS"; case "$*" in *update*) [ "$(grep -c update "$CALLS")" -gt 2 ] && exit 0;' +
        'echo "E: Could not get lock /var/lib/apt/lists/lock" >&2; exit 100;; esac; printf "#!/bin/sh\\n" >"$BIN/containerd"; chmod 755 "$BIN/containerd"',
    );
    const { code, said } = await setup();
    assert.equal(code, 0, said);
    assert.match(said, /holds the lock of apt: waiting up to 120 s/);
    assert.equal((await calls()).filter((line) => line.includes("update")).length, 3);
  });
});

test("without root and sudo, setup says what root has to run", { skip: needsRoot() }, async () => {
  await withMachine(async ({ setup, remove, project, calls }) => {
    await remove("containerd");
    await Deno.mkdir(`${project}/.cache`);
    for (const path of [project, `${project}/.cache`, `${project}/node_modules`]) await Deno.chown(path, 65534, 65534);
    const { code, said } = await setup([], { uid: 65534 });
    assert.equal(code, 1);
    assert.match(
      said,
      /needs root and there is no sudo here\. As root, run: apt-get update && apt-get install -y containerd/,
    );
    assert.deepEqual(await calls(), []);
  });
});

test("two setups at once install once", { skip: needsRoot() }, async () => {
  await withMachine(async ({ setup, remove, calls }) => {
    await remove("containerd");
    const ended = await Promise.all([setup(), setup(), setup()]);
    assert.deepEqual(ended.map(({ code }) => code), [0, 0, 0], ended.map(({ said }) => said).join());
    assert.equal((await calls()).filter((line) => line.includes("install")).length, 1);
  });
});

test("an unknown argument is refused", async () => {
  await withMachine(async ({ setup }) => {
    const { code, said } = await setup(["--test"]);
    assert.equal(code, 1);
    assert.match(said, /unknown argument --test \(usage: scripts\/setup \[--tests \| --bench\]\)/);
  });
});

test("the host's Debian mirror is found in both of apt's formats", async () => {
  const cases: readonly (readonly [file: string, text: string, mirror: string])[] = [
    [
      "sources.list.d/debian.sources",
      "Types: deb\n# x\nURIs: http://a.example/debian\nSuites: s\n\nTypes: deb\nURIs: http://a.example/debian-security\n",
      "http://a.example/debian",
    ],
    [
      "sources.list",
      "# deb http://no.example/debian x main\ndeb http://b.example/debian/ x main\n",
      "http://b.example/debian/",
    ],
    ["sources.list", "deb [arch=amd64 signed-by=/a/b.gpg] https://c.example/debian x main", "https://c.example/debian"],
    ["sources.list", "deb http://d.example/debian-security x main\ndeb http://d.example/ubuntu x main", ""],
    ["sources.list", "", ""],
  ];
  for (const [file, text, mirror] of cases) {
    const folder = await Deno.makeTempDir();
    await Deno.mkdir(`${folder}/sources.list.d`);
    await Deno.writeTextFile(`${folder}/${file}`, text);
    const script = '. "$1/scripts/debian_prefix.sh"; debian_mirror "$2"';
    const { stdout } = await new Deno.Command("sh", { args: ["-c", script, "sh", projectDir, folder] }).output();
    assert.equal(new TextDecoder().decode(stdout).trim(), mirror, text);
    await Deno.remove(folder, { recursive: true });
  }
});
