import assert from "node:assert/strict";
import { closeFd, openFd, openFlags } from "../../lib/base/libc_files.ts";
import { readNow, untilReady } from "../../lib/base/poller.ts";
import { gantryTest, sh } from "../support/gantry.ts";
import { testRuntime } from "../support/test_runtime.ts";

const mebi = 1 << 20;

/** Mebibytes that are copied: much on one version of each runtime, for the others run the same code of ours. */
function amount(label: string, much: number): number {
  return label === (testRuntime === "shim" ? "1.6" : "1.7") ? much : much / 16;
}

gantryTest("T02 stdout and stderr stay apart, and every byte value comes through", {}, async (gantry) => {
  const bytes = Array.from({ length: 256 }, (_, value) => `\\0${value.toString(8)}`).join("");
  const end = await gantry.run(
    sh(`printf '%b' '${bytes}'; printf '%b' '${bytes}' >&2; echo out; echo err >&2`),
  );
  const all = Uint8Array.from({ length: 256 }, (_, value) => value);
  assert.deepEqual(end.stdout.slice(0, 256), all);
  assert.deepEqual(end.stderr.slice(0, 256), all);
  assert.equal(new TextDecoder().decode(end.stdout.slice(256)), "out\n");
  assert.equal(new TextDecoder().decode(end.stderr.slice(256)), "err\n");
});

gantryTest("T02 a gibibyte of output comes through exactly", { timeoutMs: 120_000 }, async (gantry) => {
  const count = amount(gantry.containerd.version.label, 1024);
  // Numbered lines: a block that is lost, doubled or swapped changes the sum.
  const script = `yes 0123456789abcdef | head -c ${count * mebi} | tr '\\n' '!' `;
  const [ours, theirs] = await Promise.all([
    gantry.bash(`"$@" run --rm --rootfs "$ROOTFS" -- sh -c "${script}" | sha256sum; echo \${PIPESTATUS[0]}`),
    gantry.bash(`${script} | sha256sum; echo 0`),
  ]);
  assert.deepEqual([ours.code, ours.err, ours.out], [0, "", theirs.out]);
});

gantryTest("T02 both streams full at once lose nothing and do not mix", {}, async (gantry) => {
  const end = await gantry.run(sh("(yes out | head -n 400000) & yes err | head -n 400000 >&2; wait"));
  assert.equal(end.code, 0);
  assert.equal(end.out, "out\n".repeat(400_000));
  assert.equal(end.err, "err\n".repeat(400_000));
});

gantryTest("T02 when nobody reads the output any more the container is killed and removed", {}, async (gantry) => {
  for (const command of ["yes", "sh -c 'trap \"\" PIPE TERM; while :; do echo y; done'"]) {
    const end = await gantry.bash(`"$@" run --rm --rootfs "$ROOTFS" -- ${command} | head -1; echo "\${PIPESTATUS[0]}"`);
    assert.equal(end.out, "y\n137\n", end.err);
    assert.ok(end.ms < 5000, `it took ${end.ms} ms`);
    await gantry.assertEmpty();
  }
});

gantryTest("T02 output that cannot be written is an error, and the container is gone", {}, async (gantry) => {
  const full = await gantry.run(sh("yes | head -c 10000000; sleep 100"), { redirect: ">/dev/full" });
  assert.equal(full.code, 125, full.err);
  assert.match(full.err, /output could not be written.*stdout: ENOSPC/);
  const both = await gantry.run(sh("echo out; echo err >&2; sleep 100"), { redirect: ">/dev/full 2>/dev/full" });
  assert.equal(both.code, 125);
  // A closed descriptor is /dev/null to us.
  const closed = await gantry.run(sh("echo out; echo err >&2"), { redirect: ">&- 2>&-" });
  assert.equal(closed.code, 0);
});

gantryTest("T02 a full pipe that somebody has made non-blocking only slows the output down", {}, async (gantry) => {
  const path = `${gantry.directory}/slow`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  // Shared with the program: not close-on-exec, and the flag is one of the open file.
  const fd = openFd(path, openFlags.readWrite | openFlags.nonBlocking);
  try {
    await using program = gantry.startRun(["--rm", ...sh("yes | head -c 3000000")], { redirect: `>&${fd}` });
    let total = 0;
    const buffer = new Uint8Array(4096);
    while (total < 3_000_000) {
      await untilReady(fd, "readable");
      total += readNow(fd, buffer) ?? 0;
    }
    const end = await program.ended();
    assert.deepEqual([end.code, end.err, total], [0, "", 3_000_000]);
  } finally {
    closeFd(fd);
  }
});

gantryTest("T03 the end of stdin reaches the process, whenever it comes", {}, async (gantry) => {
  const cat = ["-i", ...sh("cat; echo end")];
  const results = await Promise.all([
    gantry.run(cat),
    gantry.run(cat, { stdin: "" }),
    gantry.run(cat, { redirect: "<&-" }),
    gantry.run(cat, { redirect: "</dev/null" }),
    gantry.run(cat, { stdin: "some text" }),
    gantry.run(cat, { redirect: "</etc/hostname" }),
    gantry.bash(`sleep 1 | "$@" run -i --rm --rootfs "$ROOTFS" -- sh -c 'cat; echo end'`),
    gantry.bash(`exec 3< <(:); sleep 0.3; "$@" run -i --rm --rootfs "$ROOTFS" -- sh -c 'cat; echo end' <&3`),
    // Without -i there is nothing to read, also when there is.
    gantry.run(sh("cat; echo end"), { stdin: "ignored" }),
  ]);
  const hostname = await Deno.readTextFile("/etc/hostname");
  const expected = ["", "", "", "", "some text", hostname, "", "", ""];
  assert.deepEqual(results.map(({ out }) => out), expected.map((text) => `${text}end\n`));
  assert.deepEqual(results.map(({ code, err }) => `${code}${err}`), expected.map(() => "0"));
});

gantryTest("T03 256 MiB through cat come back exactly", { timeoutMs: 120_000 }, async (gantry) => {
  const count = amount(gantry.containerd.version.label, 256) * mebi;
  const source = `yes 0123456789abcdef | head -c ${count}`;
  const [ours, theirs] = await Promise.all([
    gantry.bash(`${source} | "$@" run -i --rm --rootfs "$ROOTFS" -- cat | sha256sum; echo \${PIPESTATUS[2]}`),
    gantry.bash(`${source} | sha256sum; echo 0`),
  ]);
  assert.deepEqual([ours.code, ours.err, ours.out], [0, "", theirs.out]);
});

gantryTest("T03 a process that does not read its input ends all the same", {}, async (gantry) => {
  const early = await gantry.bash(`yes | "$@" run -i --rm --rootfs "$ROOTFS" -- sh -c 'head -n 1; exit 7'; echo $?`);
  assert.equal(early.out, "y\n7\n", early.err);
  const never = await gantry.bash(`yes | "$@" run -i --rm --rootfs "$ROOTFS" -- sh -c 'sleep 0.5; exit 8'; echo $?`);
  assert.equal(never.out, "8\n", never.err);
  assert.ok(never.ms < 10_000);
  const waits = await gantry.bash(`sleep 5 | "$@" run -i --rm --rootfs "$ROOTFS" -- sh -c 'exit 9'; echo $? $SECONDS`);
  assert.match(waits.out, /^9 /);
});

gantryTest("T03 an input that has nothing yet, and would not block, is not at its end", {}, async (gantry) => {
  const path = `${gantry.directory}/input`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  const fd = openFd(path, openFlags.readOnly | openFlags.nonBlocking);
  const writer = openFd(path, openFlags.writeOnly | openFlags.closeOnExec);
  try {
    await using program = gantry.startRun(["-i", "--rm", ...sh("echo ready; cat; echo end")], { redirect: `<&${fd}` });
    await program.untilOut(/ready/);
    using file = Deno.openSync(path, { write: true });
    await file.write(new TextEncoder().encode("late\n"));
    await program.untilOut(/late/);
    closeFd(writer);
    file.close();
    assert.equal((await program.ended()).out, "ready\nlate\nend\n");
  } finally {
    closeFd(fd);
  }
});

gantryTest(
  "output that a process left behind writes is not waited for longer than it is silent",
  {},
  async (gantry) => {
    // The namespace's first process takes the others along: what is silent is the pipe itself.
    const end = await gantry.run(sh("(sleep 1000 &) ; echo done"));
    assert.deepEqual([end.code, end.out], [0, "done\n"]);
    assert.ok(end.ms < 5000, `it took ${end.ms} ms`);
  },
);
