/** A container without any daemon: gantry on a shim of its own, against ctr, and against the OCI runtime alone. */
import { planContainer } from "../../lib/engine/plan.ts";
import { shimInstance } from "../../lib/engine/shim_instance.ts";
import { bundlesDirectory } from "../../lib/shim/bundles_directory.ts";
import { encodeOci } from "../../lib/wire/oci_json.ts";
import { containerdVersion } from "../../tests/support/versions.ts";
import { rootfsIn } from "./life.ts";
import { type Contender, timeProcess } from "./measure.ts";
import { gantry, instanceFlags, pause, type Supervised } from "./peers.ts";
import { compare, quick } from "./report.ts";

const { ctr, shim } = containerdVersion("1.6");
const command = ["/bin/echo", "hi"];

/** A cold process each, from the start of the program to its end; what goes on behind it is waited for, and not counted. */
export async function shims(ours: Supervised, directory: string): Promise<void> {
  const rootfs = await rootfsIn(directory);
  const where = instanceFlags(`${directory}/s`);
  const run = [...where, "--runtime", "shim", "--shim", shim, "run", "--rm", "--rootfs", rootfs];
  let number = 0;
  const contender = (name: string, argv: () => readonly string[]): Contender => ({
    name,
    async run() {
      const [program = "", ...args] = argv();
      const ms = await timeProcess(program, args);
      await untilEmpty(`${bundlesDirectory(`${directory}/s/state`)}/default`);
      return ms;
    },
  });
  const bundle = await runcBundle(directory, rootfs);
  const crun = crunCommand([gantry, ...run, "--oci-runtime"]);
  await compare("shim", {
    title: "a container from a directory without a daemon, start to end",
    contenders: [
      contender("gantry --runtime shim run --rm --rootfs DIR", () => [gantry, ...run, "--", ...command]),
      ...(crun === undefined ? [] : [contender("the same with --oci-runtime crun", () => [...crun, "--", ...command])]),
      contender("runc run", () => ["runc", "--root", `${directory}/runc`, "run", "-b", bundle, `r${number++}`]),
      contender("ctr run --rm --rootfs DIR", () => [
        ctr,
        "-a",
        ours.address,
        "run",
        "--rm",
        "--rootfs",
        rootfs,
        `s${number++}`,
        ...command,
      ]),
    ],
    rounds: quick ? 5 : 30,
  });
}

/** The bundle that gantry would give to a shim, for runc itself. */
async function runcBundle(directory: string, rootfs: string): Promise<string> {
  const path = `${directory}/bundle`;
  await Deno.mkdir(path);
  const instance = shimInstance({ root: `${directory}/b`, state: `${directory}/b` });
  const plan = await planContainer({ rootfs: { path: rootfs, overlay: false }, command }, {
    instance,
    namespace: "default",
  });
  await Deno.writeTextFile(`${path}/config.json`, encodeOci(plan.spec));
  return path;
}

/**
 * `argv` with crun's path behind it, for a host with crun; undefined without. crun refuses hosts that have both versions of
 * control groups: there it gets a mount namespace without the second.
 */
function crunCommand(argv: readonly string[]): readonly string[] | undefined {
  const path = ["/usr/bin/crun", "/usr/local/bin/crun"].find((file) => isThere(file));
  if (path === undefined) {
    console.log("no crun to compare with: scripts/setup --bench installs it");
    return undefined;
  }
  const isHybrid = isThere("/sys/fs/cgroup/unified/cgroup.procs");
  const prefix = isHybrid ? ["unshare", "-m", "sh", "-c", 'umount /sys/fs/cgroup/unified && exec "$@"', "sh"] : [];
  return [...prefix, ...argv, path];
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

async function untilEmpty(path: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const entries = await Array.fromAsync(Deno.readDir(path)).catch(() => []);
    if (entries.every(({ name }) => name.startsWith(".lock"))) break;
    await pause(10);
  }
  // The process that cleans up ends after that.
  await pause(50);
}
