import { type EndShimOptions, killShims } from "../shim/leaked_shim.ts";
import { bundleRemoved } from "./residue.ts";

/**
 * Kills the shim of a container that hangs, and waits until containerd has cleaned up behind it, which kills the container.
 * False when it has no shim that can be found: it is of another kind, or not of this machine.
 */
export async function endHungShim(id: string, options: EndShimOptions): Promise<boolean> {
  const bundles = await killShims(id, options);
  for (const bundle of bundles) if (bundle !== undefined) await bundleRemoved(bundle, options);
  return bundles.length > 0;
}
