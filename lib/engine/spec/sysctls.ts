import { GantryError } from "../../base/errors.ts";
import { didYouMean } from "../../base/suggest.ts";
import type { Isolation } from "./namespaces.ts";
import { refusal } from "./refusal.ts";

/** Parameters of the ipc namespace beside `fs.mqueue.*`, as docker and runc have them. */
const ipcNames: readonly string[] = [
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
];

/** What a name consists of: letters, digits and signs between dots; an interface's name may have a slash for its dot. */
const namePattern = /^[a-z0-9_-]+(?:\.[A-Za-z0-9_@:-]+(?:\/[A-Za-z0-9_@:-]+)*)+$/;

/** A kernel parameter as `--sysctl` takes it: `NAME=VALUE`, the name with dots or with slashes as in sysctl(8). */
export function parseSysctl(text: string): readonly [name: string, value: string] {
  const refuse = refusal("--sysctl", text);
  const equals = text.indexOf("=");
  if (equals < 0) throw refuse("has no value", "write NAME=VALUE, e.g. net.core.somaxconn=1024");
  const [given, value] = [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
  // Whichever of the two comes first separates; the other is then part of a name.
  const name = /^[^./]*\//.test(given) ? given.replace(/[./]/g, (sign) => sign === "/" ? "." : "/") : given;
  if (!namePattern.test(name)) throw refuse("has no name of a kernel parameter", "e.g. net.core.somaxconn=1024");
  if (value === "" || /[\0\n]/.test(value)) throw refuse("has no value that can be written", "write NAME=VALUE");
  return [name, value];
}

/**
 * Throws `invalid_argument` for a parameter that is not of a namespace the container has of its own: it would change the
 * host. Those of the network are `net.*`, of ipc `kernel.msg*`, `kernel.sem`, `kernel.shm*` and `fs.mqueue.*`, of uts
 * `kernel.domainname`.
 */
export function assertSysctls(sysctls: Readonly<Record<string, string>>, isolation: Isolation): void {
  for (const [name, value] of Object.entries(sysctls)) {
    const [parsed] = parseSysctl(`${name}=${value}`);
    if (parsed !== name) throw refusal("--sysctl", name)("is written with slashes", `write ${parsed}`);
    assertNamespaced(name, isolation);
  }
}

/** Throws `failed_precondition` for a parameter that this kernel does not have; those of ipc every kernel has. */
export async function assertSysctlsExist(names: readonly string[]): Promise<void> {
  for (const name of names.filter((name) => /^(?:net|fs\.mqueue)\./.test(name) && !isOfInterface(name))) {
    try {
      await Deno.stat(`/proc/sys/${name.replaceAll(".", "/")}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) continue; // The runtime will say what is wrong.
      throw new GantryError("failed_precondition", `--sysctl ${name}: this kernel has no such parameter`, {
        hint: "see /proc/sys for what there is; some need a kernel module",
      });
    }
  }
}

function assertNamespaced(name: string, isolation: Isolation): void {
  const refuse = (why: string, hint: string): GantryError =>
    new GantryError("invalid_argument", `--sysctl ${name}: ${why}`, { hint });
  const shared = (what: string, flag: string): GantryError =>
    refuse(`the container shares the host's ${what}, so it would change the host`, `leave it out, or ${flag}`);
  if (name.startsWith("net.")) {
    if (isolation.network) return;
    throw shared("network", "do not use --network host");
  }
  if (ipcNames.includes(name) || name.startsWith("fs.mqueue.")) {
    if (isolation.ipc) return;
    throw shared("ipc namespace", "do not use --ipc host");
  }
  if (name === "kernel.domainname") {
    if (isolation.uts) return;
    throw shared("uts namespace", "do not use --uts host");
  }
  if (name === "kernel.hostname") throw refuse("the host name is an option of its own", "use --hostname");
  throw refuse(
    "it belongs to no namespace, so it would change the host",
    didYouMean(name, ipcNames) ??
      "net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm* and kernel.domainname can be set",
  );
}

/** Of an interface or address that only the container will have. */
function isOfInterface(name: string): boolean {
  const part = /^net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.([^.]+)/.exec(name)?.[1];
  return part !== undefined && part !== "all" && part !== "default";
}
