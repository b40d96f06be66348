import type { Mount, Spec } from "../../wire/oci.ts";

/**
 * The spec with no symbolic link as the source of a bind mount: the runtime follows it at a start, CRIU does not at a
 * restore ("Failed to move_mount"). The same spec when there is none.
 */
export async function withRealSources(spec: Spec): Promise<Spec> {
  const { mounts = [] } = spec;
  const real = await Promise.all(mounts.map(withRealSource));
  return real.every((mount, index) => mount === mounts[index]) ? spec : { ...spec, mounts: real };
}

async function withRealSource(mount: Mount): Promise<Mount> {
  const { source = "", type, options = [] } = mount;
  const isBind = type === "bind" || options.includes("bind") || options.includes("rbind");
  if (!isBind || !source.startsWith("/")) return mount;
  try {
    const { isSymlink } = await Deno.lstat(source);
    return isSymlink ? { ...mount, source: await Deno.realPath(source) } : mount;
  } catch {
    // A source that is not there is the runtime's to refuse.
    return mount;
  }
}
