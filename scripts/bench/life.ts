/** A container's whole life, command by command, against ctr. */
import { busyboxRootfs } from "../../tests/support/rootfs.ts";
import { containerdVersion } from "../../tests/support/versions.ts";
import { processContender, timeProcess } from "./measure.ts";
import { expectSuccess, gantry, instanceFlags, type Supervised } from "./peers.ts";
import { compare, countRpcs, quick } from "./report.ts";

const { ctr } = containerdVersion("1.6");

/** A container from a directory, start to end, in one command. */
export async function running(ours: Supervised, directory: string): Promise<void> {
  const rootfs = await rootfsIn(directory);
  const where = instanceFlags(`${directory}/g`);
  let number = 0;
  const run = () => ["run", ...where, "--rm", "--rootfs", rootfs, "--", "/bin/true"];
  const peer = () => ["-a", ours.address, "run", "--rm", "--rootfs", rootfs, `b${number++}`, "/bin/true"];
  await compare("run", {
    title: "a container from a directory, start to end",
    contenders: [
      processContender("gantry run --rm --rootfs DIR -- /bin/true", gantry, run),
      processContender("ctr run --rm --rootfs DIR ID /bin/true", ctr, peer),
    ],
    rounds: quick ? 5 : 25,
  });
  await countRpcs("run", ours, [
    ["gantry run --rm", () => expectSuccess(gantry, run())],
    ["ctr run --rm", () => expectSuccess(ctr, peer())],
  ]);
}

/** The same in single steps: create, start, wait, delete. */
export async function steps(ours: Supervised, directory: string): Promise<void> {
  const rootfs = await rootfsIn(directory);
  const where = instanceFlags(`${directory}/g`);
  let number = 0;
  const lifeOfOurs = async (time: (program: string, args: readonly string[]) => Promise<number>): Promise<number> => {
    const name = `l${number++}`;
    return await time(gantry, ["create", ...where, "--name", name, "--rootfs", rootfs, "--", "/bin/true"]) +
      await time(gantry, ["start", ...where, name]) +
      await time(gantry, ["wait", ...where, name]) +
      await time(gantry, ["rm", ...where, name]);
  };
  const lifeOfPeer = async (time: (program: string, args: readonly string[]) => Promise<number>): Promise<number> => {
    const at = ["-a", ours.address];
    const id = `m${number++}`;
    return await time(ctr, [...at, "containers", "create", "--rootfs", rootfs, id, "/bin/true"]) +
      // Attached, which is how ctr waits.
      await time(ctr, [...at, "tasks", "start", id]) +
      await time(ctr, [...at, "containers", "delete", id]);
  };
  await compare("life", {
    title: "create, start, wait, delete, a process each",
    contenders: [
      { name: "gantry create, start, wait, rm", run: () => lifeOfOurs(timeProcess) },
      { name: "ctr c create, t start (waits, deletes), c rm", run: () => lifeOfPeer(timeProcess) },
    ],
    rounds: quick ? 3 : 15,
  });
  const plain = async (program: string, args: readonly string[]): Promise<number> => {
    await expectSuccess(program, args);
    return 0;
  };
  await countRpcs("life", ours, [
    ["gantry create, start, wait, rm", () => lifeOfOurs(plain)],
    ["ctr c create, t start, c rm", () => lifeOfPeer(plain)],
  ]);
}

/** A busybox for containers to run in. */
export async function rootfsIn(directory: string): Promise<string> {
  const rootfs = `${directory}/rootfs`;
  await busyboxRootfs(rootfs);
  return rootfs;
}
