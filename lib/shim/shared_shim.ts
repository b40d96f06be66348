import { type Bundle, listBundles } from "./bundle.ts";
import { readShimAddress } from "./bundle_address.ts";

/** True while another bundle of the namespace has the same shim. */
export async function isShared(bundle: Bundle): Promise<boolean> {
  const own = await readShimAddress(bundle.path);
  if (own === undefined) return false;
  const { bundles } = await listBundles(bundle.root, bundle.namespace);
  const others = await Promise.all(
    bundles.filter(({ id }) => id !== bundle.id).map(({ path }) => readShimAddress(path).catch(() => undefined)),
  );
  return others.some((other) => other?.path === own.path);
}
