import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";

gantryTest("run -d prints the id alone, and its output is in two plain files, complete", {}, async (gantry) => {
  const script = 'i=0; while [ $i -lt 2000 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done; exit 7';
  const started = await gantry.gantry(["run", "-d", "--name", "job", "--rootfs", gantry.rootfs, ...sh(script)]);
  assert.deepEqual([started.code, started.err], [0, ""]);
  assert.match(started.out, /^[0-9a-f]{64}\n$/);
  const id = started.out.trim();
  await eventually(async () => (await gantry.gantry(["ps", "-a"])).out.includes("Exited (7)"), { what: "its end" });
  const logs = `${gantry.root}/containers/default/${id}`;
  const lines = Array.from({ length: 2000 }, (_, i) => i);
  assert.equal(await Deno.readTextFile(`${logs}/stdout.log`), lines.map((i) => `out ${i}\n`).join(""));
  assert.equal(await Deno.readTextFile(`${logs}/stderr.log`), lines.map((i) => `err ${i}\n`).join(""));
  assert.equal((Deno.statSync(`${logs}/stdout.log`).mode ?? 0) & 0o777, 0o600);
  assert.equal((await gantry.gantry(["rm", "job"])).out, "job\n");
});

gantryTest("run -d --rm removes the container at its end", {}, async (gantry) => {
  const started = await gantry.gantry(["run", "-d", "--rm", "--rootfs", gantry.rootfs, ...sh("sleep 1; exit 3")]);
  assert.equal(started.code, 0, started.err);
  assert.deepEqual(await gantry.containers(), [started.out.trim()]);
  await eventually(async () => (await gantry.containers()).length === 0, { what: "its removal" });
});

gantryTest(
  "run -d -i keeps stdin open, run -d gives the end of input at once",
  { versions: ["1.6", "2.1"] },
  async (gantry) => {
    const { rootfs } = gantry;
    const open = await gantry.gantry(["run", "-d", "-i", "--name", "open", "--rootfs", rootfs, "--", "cat"]);
    const shut = await gantry.gantry(["run", "-d", "--name", "shut", "--rootfs", rootfs, "--", "cat"]);
    assert.deepEqual([open.code, shut.code], [0, 0], open.err + shut.err);
    await eventually(async () => (await gantry.gantry(["ps", "-a"])).out.includes("Exited (0)"), {
      what: "the end of one",
    });
    const rows = (await gantry.gantry(["ps", "-a", "--json"])).out.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(rows.map(({ Names, State }) => [Names, State]).sort(), [["open", "running"], ["shut", "exited"]]);
    assert.equal((await gantry.gantry(["rm", "-f", "open", "shut"])).out, "open\nshut\n");
  },
);

gantryTest("run -d -t has a terminal and one log", { versions: ["1.6", "2.1"] }, async (gantry) => {
  const script = "tty; echo err >&2; sleep 100";
  const started = await gantry.gantry(["run", "-d", "-t", "--name", "term", "--rootfs", gantry.rootfs, ...sh(script)]);
  assert.equal(started.code, 0, started.err);
  const log = `${gantry.root}/containers/default/${started.out.trim()}/stdout.log`;
  const text = await eventually(async () => {
    const now = await Deno.readTextFile(log);
    return now.includes("err") ? now : undefined;
  }, { what: "its output" });
  assert.equal(text, "/dev/pts/0\r\nerr\r\n");
  assert.equal((await gantry.gantry(["rm", "-f", "term"])).code, 0);
});

gantryTest(
  "--cidfile and --pidfile say who runs; an existing cidfile is refused",
  { versions: ["1.7"] },
  async (gantry) => {
    const [cid, pid] = [`${gantry.directory}/cid`, `${gantry.directory}/pid`];
    const args = ["run", "-d", "--cidfile", cid, "--pidfile", pid, "--rootfs", gantry.rootfs, "--", "sleep", "100"];
    const started = await gantry.gantry(args);
    assert.equal(started.code, 0, started.err);
    const running = await gantry.onlyRunning();
    assert.equal(await Deno.readTextFile(cid), running.id);
    assert.equal(await Deno.readTextFile(pid), `${running.pid}\n`);
    const again = await gantry.gantry(args);
    assert.equal(again.code, 125);
    assert.match(again.err, /cid exists already/);
    assert.equal((await gantry.containers()).length, 1);
    assert.equal((await gantry.gantry(["rm", "-f", running.id.slice(0, 10)])).code, 0);
  },
);

gantryTest("--rootfs DIR:O lets containers share a directory that none of them changes", {}, async (gantry) => {
  const { rootfs } = gantry;
  const script = 'test ! -e /mine && echo "$1" >/mine && rm /etc/passwd && cat /mine && sleep 1 && cat /mine';
  const ends = await Promise.all(
    ["a", "b", "c"].map((word) => gantry.gantry(["run", "--rm", "--rootfs", `${rootfs}:O`, ...sh(script), "sh", word])),
  );
  assert.deepEqual(
    ends.map(({ code, out, err }) => [code, out, err]),
    ["a", "b", "c"].map((word) => [0, `${word}\n${word}\n`, ""]),
  );
  await assert.rejects(Deno.lstat(`${rootfs}/mine`), Deno.errors.NotFound);
  assert.match(await Deno.readTextFile(`${rootfs}/etc/passwd`), /root/);
});

gantryTest(
  "rm refuses what runs and says how to go on; rm -f ends it; a missing one fails without -f only",
  {},
  async (gantry) => {
    assert.equal(
      (await gantry.gantry(["run", "-d", "--name", "web", "--rootfs", gantry.rootfs, "--", "sleep", "100"])).code,
      0,
    );
    const refused = await gantry.gantry(["rm", "web", "nope"]);
    assert.deepEqual([refused.code, refused.out], [1, ""]);
    assert.match(refused.err, /still runs\nhint: .*rm -f/);
    assert.match(refused.err, /no container "nope"/);
    const forced = await gantry.gantry(["rm", "-f", "nope", "web"]);
    assert.deepEqual([forced.code, forced.out, forced.err], [0, "web\n", ""]);
  },
);

gantryTest(
  "ps shows what runs; -a, -q, --no-trunc, --json and --format do what docker's do",
  { versions: ["1.6"] },
  async (gantry) => {
    const { rootfs } = gantry;
    const first = await gantry.gantry(["run", "--name", "done", "--rootfs", rootfs, ...sh("exit 5")]);
    assert.equal(first.code, 5);
    const args = ["run", "-d", "--name", "web", "--label", "a=b", "--rootfs", rootfs, "--", "sleep", "1000"];
    const id = (await gantry.gantry(args)).out.trim();
    const shown = (await gantry.gantry(["ps"])).out.split("\n");
    assert.match(shown[0] ?? "", /^CONTAINER ID {3}IMAGE {3,}COMMAND {3,}CREATED {3,}STATUS {3,}NAMES$/);
    assert.match(shown[1] ?? "", new RegExp(`^${id.slice(0, 12)} {3}${rootfs} {3}"sleep 1000" .* Up .* web$`));
    assert.equal(shown.length, 3);
    assert.equal((await gantry.gantry(["ps", "-q", "--no-trunc"])).out, `${id}\n`);
    assert.equal(
      (await gantry.gantry(["ps", "-a", "--format", "{{.Names}} {{.State}}"])).out,
      "web running\ndone exited\n",
    );
    const rows = (await gantry.gantry(["ps", "-a", "--json"])).out.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(rows.map(({ Names, State, ExitCode }) => [Names, State, ExitCode]), [
      ["web", "running", undefined],
      ["done", "exited", 5],
    ]);
    assert.match(rows[0].Labels, /(^|,)a=b(,|$)/);
    const wrong = await gantry.gantry(["ps", "--format", "{{.Nmes}}"]);
    assert.equal(wrong.code, 125);
    assert.match(wrong.err, /Names/);
    assert.equal((await gantry.gantry(["rm", "-f", "web", "done"])).code, 0);
  },
);

gantryTest(
  "X04 a secret in the environment is in neither the dry run nor a log",
  { versions: ["1.6"] },
  async (gantry) => {
    const file = `${gantry.directory}/env`;
    await Deno.writeTextFile(file, "TOKEN=hunter2\n");
    const flags = ["-e", "PASSWORD=s3cret", "--env-file", file, "--rootfs", gantry.rootfs];
    const dry = await gantry.gantry(["run", "--dry-run", "--rm", ...flags, ...sh("true")]);
    assert.equal(dry.code, 0, dry.err);
    assert.doesNotMatch(dry.out + dry.err, /s3cret|hunter2/);
    assert.match(dry.out, /PASSWORD=\*\*\*/);
    assert.deepEqual(await gantry.remains(), [], "a dry run does nothing");
    const real = await gantry.run(["-v", "--debug", ...flags.slice(0, 4), ...sh("echo $PASSWORD $TOKEN; exit 1")]);
    assert.equal(real.code, 125, "-v is a volume in run");
    const loud = await gantry.gantry(["--verbose", "--debug", "run", "--rm", ...flags, ...sh("echo $PASSWORD $TOKEN")]);
    assert.deepEqual([loud.code, loud.out], [0, "s3cret hunter2\n"]);
    assert.doesNotMatch(loud.err, /s3cret|hunter2/);
  },
);
