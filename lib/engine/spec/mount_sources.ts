import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";
import { type MountInfo, readMounts } from "../../base/mounts.ts";
import type { MountOption } from "../container_options.ts";

/** Throws unless `path` is a directory: `not_found` when there is nothing, `failed_precondition` for something else. */
export async function assertRootfs(path: string): Promise<void> {
  const info = await statOf(path, { what: "root filesystem", hint: "give --rootfs an existing directory" });
  if (info.isDirectory) return;
  throw new GantryError("failed_precondition", `root filesystem ${path} is not a directory`, {
    hint: "unpack an image into a directory and give --rootfs that",
  });
}

/**
 * Throws `not_found` for a bind mount whose source does not exist (docker would create an empty directory, which hides
 * the mistake), and `failed_precondition` for one that is to share mounts with a source that cannot.
 */
export async function assertMountSources(mounts: readonly MountOption[]): Promise<void> {
  const binds = mounts.filter((mount) => mount.type === "bind");
  for (const mount of binds) {
    await statOf(mount.source ?? "", {
      what: `source of the mount at ${mount.target},`,
      hint: `create it first, e.g. mkdir -p ${mount.source ?? ""}; gantry does not`,
    });
  }
  const sharing = binds.filter((mount) => mount.options.some((word) => /^r?(shared|slave)$/.test(word)));
  if (sharing.length === 0) return;
  const known = await readMounts();
  for (const mount of sharing) await assertPropagates(mount, known);
}

/** The kernel would take the mount and silently pass nothing through it. */
async function assertPropagates(mount: MountOption, known: readonly MountInfo[]): Promise<void> {
  const source = mount.source ?? "";
  const real = await Deno.realPath(source).catch((error: unknown) => {
    throw systemError(error, `resolve ${source}`);
  });
  const above = mountAbove(real, known);
  const isShared = above?.propagation.some((word) => word.startsWith("shared:")) === true;
  const isSlave = above?.propagation.some((word) => word.startsWith("master:")) === true;
  const wantsShared = mount.options.some((word) => /^r?shared$/.test(word));
  if (isShared || isSlave && !wantsShared) return;
  const point = above?.mountPoint ?? "/";
  const kind = wantsShared ? "a shared" : "a shared or slave";
  throw new GantryError("failed_precondition", `${source} is mounted on ${point}, which is not ${kind} mount`, {
    hint: `make it one with mount --make-rshared ${point}, or leave the propagation out`,
  });
}

/** The mount that holds `path`: the deepest mount point above it, and of two at one point the later. */
function mountAbove(path: string, known: readonly MountInfo[]): MountInfo | undefined {
  const holding = known.filter(({ mountPoint }) =>
    mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`)
  );
  return holding.reduce<MountInfo | undefined>(
    (best, mount) => best !== undefined && best.mountPoint.length > mount.mountPoint.length ? best : mount,
    undefined,
  );
}

async function statOf(path: string, words: { readonly what: string; readonly hint: string }): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `look at the ${words.what} ${path}`);
    throw new GantryError("not_found", `${words.what} ${path} does not exist`, { hint: words.hint, cause: error });
  }
}
