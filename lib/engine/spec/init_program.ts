import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";
import type { Mount } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import type { Isolation } from "./namespaces.ts";

/** Where the init is in the container: on its own /dev, so that nothing is left in the root filesystem. */
const initPath = "/dev/init";

/** Programs that pass signals on, reap, and take `-- COMMAND`; those that docker and podman bring along come first. */
const names = ["docker-init", "catatonit", "tini-static", "tini", "dumb-init"];
const directories = [
  "/usr/bin",
  "/usr/local/bin",
  "/usr/libexec/podman",
  "/usr/lib/podman",
  "/usr/libexec/docker",
  "/usr/sbin",
  "/sbin",
  "/bin",
];

/** Options of {@link findInit}. */
export interface FindInitOptions {
  /** Where to look when no path is given. Default: where distributions put them. */
  readonly candidates?: readonly string[] | undefined;
}

/**
 * The host path of the init that `--init` asks for; undefined when it is not asked for. It must be a program without an
 * interpreter, i.e. statically linked: it runs in a root filesystem that may have no libraries.
 *
 * `failed_precondition` when the host has none or the given one is something else, `not_found` when that does not exist.
 */
export async function findInit(init: boolean | string, options: FindInitOptions = {}): Promise<string | undefined> {
  if (init === false) return undefined;
  if (typeof init === "string") {
    await assertInit(init);
    return init;
  }
  const { candidates = names.flatMap((name) => directories.map((directory) => `${directory}/${name}`)) } = options;
  for (const path of candidates) {
    if (await kindOf(path).catch(() => "unreadable") === "static") return path;
  }
  throw new GantryError("failed_precondition", "--init: this host has no statically linked init program", {
    hint: "install one, e.g. apt-get install tini (it has tini-static) or catatonit, or name one with --init-path",
  });
}

/**
 * Throws `invalid_argument` where an init would be of no use or could not be put: it is process 1 only of pid namespaces
 * of its own, and its place is on the container's own /dev.
 */
export function assertInitPossible(options: Pick<ContainerOptions, "mounts">, isolation: Isolation): void {
  const refuse = (why: string): GantryError =>
    new GantryError("invalid_argument", `--init cannot be combined with ${why}`, { hint: "leave one of them out" });
  if (!isolation.pid) throw refuse("--pid host: another process is process 1 there");
  const hiding = options.mounts.find(({ target }) => `${initPath}/`.startsWith(`${target}/`));
  if (hiding !== undefined) throw refuse(`a mount at ${hiding.target}: the init is put at ${initPath}`);
}

/** argv with the init in front. */
export function throughInit(args: readonly string[]): readonly string[] {
  return [initPath, "--", ...args];
}

/** What shows the init at `source` in the container. */
export function initMount(source: string): Mount {
  return { destination: initPath, type: "bind", source, options: ["bind", "ro", "rprivate"] };
}

async function assertInit(path: string): Promise<void> {
  const refuse = (why: string, hint: string): GantryError =>
    new GantryError("failed_precondition", `--init-path ${path} ${why}`, { hint });
  if (!path.startsWith("/")) {
    throw new GantryError("invalid_argument", `--init-path ${JSON.stringify(path)} is not absolute`, {
      hint: "give the path of a program on the host",
    });
  }
  const hint = "give a statically linked program, e.g. /usr/bin/tini-static";
  switch (await kindOf(path)) {
    case "static":
      return;
    case "dynamic":
      throw refuse("is dynamically linked: it would not find its libraries in the container", hint);
    case "other":
      throw refuse("is not a program that can be executed", hint);
  }
}

async function kindOf(path: string): Promise<"static" | "dynamic" | "other"> {
  try {
    const info = await Deno.stat(path);
    if (!info.isFile || ((info.mode ?? 0) & 0o111) === 0) return "other";
    using file = await Deno.open(path);
    const head = new Uint8Array(4096);
    const length = await file.read(head) ?? 0;
    return elfKind(head.subarray(0, length));
  } catch (error) {
    throw systemError(error, `look at the init program ${path}`);
  }
}

/** What the start of a file says about it: program headers follow the ELF header in every linker's output (elf(5)). */
export function elfKind(head: Uint8Array): "static" | "dynamic" | "other" {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  // 0x7f ELF, 64 bits, little-endian: what all of gantry's architectures are.
  if (head.length < 64 || view.getUint32(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return "other";
  const [start, size, count] = [
    Number(view.getBigUint64(32, true)),
    view.getUint16(54, true),
    view.getUint16(56, true),
  ];
  if (start < 64 || size < 56 || start + size * count > head.length) return "other";
  for (let index = 0; index < count; index++) {
    // PT_INTERP: the dynamic linker.
    if (view.getUint32(start + index * size, true) === 3) return "dynamic";
  }
  return "static";
}
