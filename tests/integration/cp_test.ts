import assert from "node:assert/strict";
import { gantryTest, sh } from "../support/gantry.ts";

gantryTest(
  "files are copied into and out of a container that runs, and what it has mounted is seen",
  {},
  async (gantry) => {
    const { directory, rootfs } = gantry;
    const args = ["run", "-d", "--name", "web", "--rootfs", `${rootfs}:O`, "--tmpfs", "/data"];
    assert.equal((await gantry.gantry([...args, ...sh("echo one > /data/one; sleep 100")])).code, 0);

    await Deno.writeTextFile(`${directory}/in.txt`, "from the host");
    const copied = await gantry.gantry(["cp", `${directory}/in.txt`, "web:/data/"]);
    assert.deepEqual([copied.code, copied.out, copied.err], [0, "", ""]);
    const out = await gantry.gantry(["cp", "web:/data/.", `${directory}/out`]);
    assert.deepEqual([out.code, out.out, out.err], [0, "", ""]);
    assert.equal(await Deno.readTextFile(`${directory}/out/one`), "one\n");
    assert.equal(await Deno.readTextFile(`${directory}/out/in.txt`), "from the host");

    // As a tar, both ways, through pipes.
    const piped = await gantry.bash(`"$@" cp web:/data - | tar -x -C "$PLACE" && cat "$PLACE/data/in.txt"`, {
      env: { PLACE: directory },
    });
    assert.deepEqual([piped.code, piped.out, piped.err], [0, "from the host", ""]);
    const back = await gantry.bash(`tar -c -C "$PLACE" in.txt | "$@" cp - web:/root && "$@" cp web:/root/in.txt -`, {
      env: { PLACE: directory },
    });
    assert.equal(back.code, 0, back.err);
    assert.match(back.out, /from the host/);
    await gantry.gantry(["rm", "-f", "web"]);
  },
);

gantryTest("files are copied out of and into a container that has ended, and the host's directory stays as it was", {
  versions: ["1.7"],
}, async (gantry) => {
  const { directory, rootfs } = gantry;
  const args = ["run", "--name", "job", "--rootfs", `${rootfs}:O`];
  assert.equal((await gantry.gantry([...args, ...sh("echo result > /result")])).code, 0);
  assert.equal((await gantry.gantry(["cp", "job:/result", directory])).code, 0);
  assert.equal(await Deno.readTextFile(`${directory}/result`), "result\n");
  assert.equal((await gantry.gantry(["cp", `${directory}/result`, "job:/again"])).code, 0);
  await assert.rejects(Deno.lstat(`${rootfs}/again`), Deno.errors.NotFound);
  await gantry.gantry(["rm", "job"]);
});

gantryTest("a copy that cannot be is refused with the path and the way out", { versions: ["1.6"] }, async (gantry) => {
  const { directory, rootfs } = gantry;
  await gantry.gantry(["run", "-d", "--name", "web", "--rootfs", rootfs, "--", "sleep", "100"]);
  const cases = [
    {
      args: ["cp", "/etc/hosts", "/tmp/x"],
      code: 125,
      err: /neither side is in a container\nhint: write CONTAINER:PATH/,
    },
    { args: ["cp", "nobody:/etc", directory], code: 1, err: /no container "nobody"/ },
    { args: ["cp", "web:/nowhere", directory], code: 1, err: /there is no web:\/nowhere/ },
    { args: ["cp", `${directory}/nowhere`, "web:/"], code: 1, err: /there is no .*\/nowhere/ },
    { args: ["cp", "web:/etc/passwd"], code: 125, err: /DESTINATION/ },
  ];
  for (const { args, code, err } of cases) {
    const end = await gantry.gantry(args);
    assert.equal(end.code, code, `${args.join(" ")}: ${end.err}`);
    assert.match(end.err, err);
    assert.equal(end.out, "");
  }
  await gantry.gantry(["rm", "-f", "web"]);
});
