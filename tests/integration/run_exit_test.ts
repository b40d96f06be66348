import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { gantryTest, sh } from "../support/gantry.ts";

gantryTest("T01 run passes the exit code of its program", {}, async (gantry) => {
  await Promise.all([0, 1, 42, 255].map(async (code) => {
    const end = await gantry.run(sh(`exit ${code}`));
    assert.deepEqual([end.code, end.err], [code, ""]);
  }));
});

gantryTest("T01 a program that is not there is 127, one that cannot be executed 126", {}, async (gantry) => {
  await Deno.writeTextFile(`${gantry.rootfs}/plain`, "no program\n");
  await Deno.writeTextFile(`${gantry.rootfs}/garbage`, "no program\n");
  await Deno.chmod(`${gantry.rootfs}/garbage`, 0o755);
  const cases = [
    ["nope", 127],
    ["/nope", 127],
    ["./nope", 127],
    ["/etc/passwd/x", 127],
    ["/plain", 126],
    ["./plain", 126],
    ["/etc", 126],
  ] as const;
  await Promise.all(cases.map(async ([command, code]) => {
    const end = await gantry.run(["--", command]);
    assert.equal(end.code, code, `${command}: ${end.err}`);
    assert.match(end.err, new RegExp(command.replace(/^\W+/, "")), "the message names the program");
    assert.equal(end.out, "");
  }));
});

gantryTest("T01 a failure of gantry itself is 125 and says what to do", {}, async (gantry) => {
  const { rootfs } = gantry;
  const cases = [
    [["run", "--rm", "--", "true"], /--rootfs/],
    [["run", "--rm", "--rootfs", `${rootfs}/nope`, "--", "true"], /nope/],
    [["run", "--rm", "--rootfs", `${rootfs}/etc/passwd`, "--", "true"], /passwd/],
    [["run", "--rm", "--rootfs", rootfs], /command/],
    [["run", "--rm", "--rootfs", rootfs, "-u", "nobody-there", "--", "true"], /nobody-there/],
    [["run", "--rm", "--rootfs", rootfs, "-v", "/nope/nope:/x", "--", "true"], /nope/],
    [["run", "--rm", "--rootfs", rootfs, "-it", "--", "true"], /terminal/],
    [
      ["--runtime", "containerd", "--address", "/nope/c.sock", "run", "--rm", "--rootfs", rootfs, "--", "true"],
      /\/nope\/c\.sock/,
    ],
    [["--namespace", "../x", "run", "--rm", "--rootfs", rootfs, "--", "true"], /namespace/],
    [["run", "--rm", "--rootfs", rootfs, "--detach-keys", "ctrl-,x", "-t", "--", "true"], /ctrl-/],
  ] as const;
  await Promise.all(cases.map(async ([args, message]) => {
    const end = await gantry.gantry(args);
    assert.equal(end.code, 125, `${args.join(" ")}: ${end.code} ${end.err}`);
    assert.match(end.err, message);
    assert.doesNotMatch(end.err, /defect/, args.join(" "));
    assert.ok(end.ms < 5000, `${args.join(" ")} took ${end.ms} ms`);
  }));
});

gantryTest("T01 a program that a signal ended is 128 and the signal's number", {}, async (gantry) => {
  // A child shell, for the first process of a container ignores signals that it has no handler for.
  await Promise.all(
    ([["TERM", 143], ["KILL", 137], ["INT", 130], ["ABRT", 134]] as const).map(async ([name, code]) =>
      assert.equal((await gantry.run(sh(`sh -c 'kill -${name} $$'; exit $?`))).code, code)
    ),
  );
  // From outside, past gantry: by containerd's client and by the kernel's own means.
  for (const kill of ["ctr", "host"] as const) {
    await using program = gantry.startRun(["--rm", "--", "/bin/sleep", "100"]);
    const { id, pid } = await gantry.onlyRunning();
    if (kill === "ctr") await gantry.ctr("tasks", "kill", "--signal", "SIGKILL", id);
    else Deno.kill(pid, "SIGKILL");
    const end = await program.ended();
    assert.deepEqual([end.code, end.err], [137, ""]);
  }
});

gantryTest("T01 a program that has used up its memory limit is 137", {}, async (gantry) => {
  const end = await gantry.run(["-m", "32m", ...sh("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo $x | wc -c")]);
  assert.equal(end.code, 137, end.err);
});

gantryTest("T12 a container of the same name can run at once after one that was removed", {}, async (gantry) => {
  for (let round = 0; round < 3; round++) {
    const end = await gantry.run(["--name", "again", ...sh("echo hi")]);
    assert.deepEqual([end.code, end.out, end.err], [0, "hi\n", ""]);
  }
});

gantryTest("a container that is not to be removed stays with its exit code until rm", {}, async (gantry) => {
  const end = await gantry.gantry(["run", "--name", "kept", "--rootfs", gantry.rootfs, ...sh("exit 3")]);
  assert.equal(end.code, 3, end.err);
  const [id] = await gantry.containers();
  const ps = await gantry.gantry(["ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}} {{.ExitCode}}"]);
  assert.match(ps.out, /^kept exited Exited \(3\) .* 3\n$/);
  assert.equal((await gantry.gantry(["ps", "-q"])).out, "");
  const rm = await gantry.gantry(["rm", "kept"]);
  assert.deepEqual([rm.code, rm.out], [0, "kept\n"]);
  await eventually(async () => (await gantry.containers()).length === 0, { what: `${id} gone` });
});
