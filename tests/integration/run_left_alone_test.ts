import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";
import type { ProgramResult, RunningProgram } from "../support/running_program.ts";

/** Sends INT until the program ends: spaced, for the kernel makes one of several that are pending. */
async function giveUp(program: RunningProgram): Promise<ProgramResult> {
  return await eventually(async () => {
    program.signal("SIGINT");
    return await program.ended(150).catch(() => undefined);
  }, { what: "the third INT to free the terminal" });
}

function numbersIn(text: string): readonly number[] {
  return [...text.matchAll(/^line (\d+)$/gm)].map(([, number]) => Number(number));
}

gantryTest("T05 what a container writes after the third INT is kept, every line of it", {}, async (gantry) => {
  const script = "trap '' INT; i=0; while :; do i=$((i+1)); echo line $i; done";
  await using program = gantry.startRun(["--name", "deaf", ...sh(script)]);
  await program.untilOut(/line 1000\n/);
  const end = await giveUp(program);
  assert.equal(end.code, 1);
  const { id } = await gantry.onlyRunning();
  const shown = numbersIn(end.out).length;
  const kept = await eventually(async () => {
    const text = await Deno.readTextFile(`${gantry.root}/containers/default/${id}/stdout.log`).catch(() => "");
    return numbersIn(text).length > 5000 && text;
  }, { what: "what follows in the log" });
  assert.equal((await gantry.gantry(["rm", "-f", "deaf"])).code, 0);
  const all = numbersIn(end.out + kept.slice(0, kept.lastIndexOf("\n") + 1));
  assert.deepEqual(all.slice(0, shown + 5000), Array.from({ length: shown + 5000 }, (_, i) => i + 1));
});

gantryTest("T05 a container that is being made while containerd hangs can be walked away from", {
  needs: "containerd",
}, async (gantry) => {
  gantry.containerd.signal("SIGSTOP");
  await using program = gantry.startRun(["--rm", "--name", "stuck", ...sh("sleep 100")]);
  const marks = `${gantry.root}/unfinished/default`;
  await eventually(async () => (await Array.fromAsync(Deno.readDir(marks)).catch(() => [])).length > 0, {
    what: "gantry to be at it",
  });
  const end = await giveUp(program);
  assert.equal(end.code, 130, end.err);
  gantry.containerd.signal("SIGCONT");
  // The next one clears it away, and has the name.
  assert.equal((await gantry.run(["--name", "stuck", ...sh("exit 4")])).code, 4);
  await gantry.assertEmpty(10_000);
});

gantryTest(
  "T05 one INT while containerd hangs before it has made anything undoes that",
  { versions: ["1.7"], needs: "containerd" },
  async (gantry) => {
    gantry.containerd.signal("SIGSTOP");
    await using program = gantry.startRun(["--rm", ...sh("sleep 100")]);
    const marks = `${gantry.root}/unfinished/default`;
    await eventually(async () => (await Array.fromAsync(Deno.readDir(marks)).catch(() => [])).length > 0, {
      what: "gantry to be at it",
    });
    program.signal("SIGINT");
    gantry.containerd.signal("SIGCONT");
    assert.equal((await program.ended()).code, 130);
    await gantry.assertEmpty(10_000);
  },
);

gantryTest("the exit code is told when containerd is gone for good, and the next run removes the container", {
  versions: ["1.6", "2.1"],
  needs: "containerd",
}, async (gantry) => {
  await using program = gantry.startRun(["--rm", "--name", "gone", ...sh("echo before; sleep 1; exit 42")]);
  await program.untilOut(/before/);
  await gantry.untilStarted();
  await gantry.containerd.end("SIGKILL");
  const end = await program.ended(60_000);
  assert.equal(end.code, 42, end.err);
  assert.match(end.err, /gone has ended but could not be removed: .*the next `gantry run` removes it/);
  await gantry.containerd.start();
  assert.equal((await gantry.run(["--name", "gone", ...sh("exit 3")])).code, 3);
  await gantry.assertEmpty(10_000);
});

gantryTest(
  "T13 a disk without room is an error that says so, and nothing is left",
  { versions: ["1.7"] },
  async (gantry) => {
    const disk = `${gantry.directory}/disk`;
    await Deno.mkdir(disk);
    for (const [flag, inodes] of [["--root", 2], ["--root", 4], ["--state", 2], ["--state", 5]] as const) {
      const mounted = await gantry.bash(`mount -t tmpfs -o size=64k,nr_inodes=${inodes} tmpfs ${disk}`);
      assert.equal(mounted.code, 0, mounted.err);
      const end = await gantry.gantry([
        flag,
        disk,
        "run",
        "--rm",
        "--rootfs",
        `${gantry.rootfs}:O`,
        "-i",
        ...sh("true"),
      ]);
      assert.equal(end.code, 125, `${flag} with ${inodes} inodes: ${end.code} ${end.err}`);
      assert.match(end.err, /ENOSPC\nhint: free some space/);
      // The directories of kinds and namespaces may stay.
      assert.equal((await gantry.bash(`find ${disk} -type p -o -type f`)).out, "");
      assert.equal((await gantry.bash(`umount ${disk}`)).code, 0);
    }
    const file = await gantry.gantry([
      "--state",
      `${gantry.rootfs}/etc/passwd`,
      "run",
      "--rootfs",
      gantry.rootfs,
      ...sh("true"),
    ]);
    assert.equal(file.code, 125);
    assert.match(file.err, /etc\/passwd/);
    assert.doesNotMatch(file.err, /defect/);
  },
);

gantryTest("T13 a note that cannot be written undoes the container", { versions: ["1.7"] }, async (gantry) => {
  for (const flag of ["--cidfile", "--pidfile"]) {
    for (const how of [[], ["-d"], ["-d", "--rm"]]) {
      const end = await gantry.gantry(["run", ...how, flag, "/nope/x", "--rootfs", gantry.rootfs, ...sh("sleep 100")]);
      assert.equal(end.code, 125, end.err);
      assert.match(end.err, /\/nope\/x/);
      assert.equal(end.out, "");
    }
  }
  const cid = `${gantry.directory}/cid`;
  const failed = await gantry.gantry(["run", "--cidfile", cid, "--rootfs", gantry.rootfs, "--", "nope"]);
  assert.equal(failed.code, 127);
  await assert.rejects(Deno.stat(cid), Deno.errors.NotFound, "the id of nothing");
});
