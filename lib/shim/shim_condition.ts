import { readTextIfExists } from "../base/atomic_file.ts";
import { isCode } from "../base/errors.ts";
import { isNobodyListening } from "../rpc/ttrpc_transport.ts";
import type { Bundle } from "./bundle.ts";
import { readShimAddress } from "./bundle_address.ts";
import { connectShim, type Shim } from "./shim.ts";
import { shimsOf } from "./shim_process.ts";

/**
 * Whether a bundle's shim lives. `dead` only when that is proved: it refuses connections, its socket is gone, or nothing
 * says where it would listen and no such process exists. One that is silent may be stopped, or starved: it proves nothing.
 */
export type ShimCondition =
  | { readonly kind: "alive"; readonly shim: Shim }
  | { readonly kind: "silent"; readonly why: unknown }
  | { readonly kind: "dead" };

/** Options of {@link shimCondition}. */
export interface ConditionOptions {
  /** How long the shim may take to answer, milliseconds; default 5000. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Looks how a bundle's shim is; the connection of a living one is the caller's to close. */
export async function shimCondition(bundle: Bundle, options: ConditionOptions = {}): Promise<ShimCondition> {
  const place = await readShimAddress(bundle.path);
  if (place === undefined) {
    const shims = await shimsOf(bundle);
    return shims.length === 0 ? { kind: "dead" } : { kind: "silent", why: "the shim's start was cut off" };
  }
  // The generation that `address` stands for is a guess: a 2.x shim run directly has one, too.
  const isSure = await readTextIfExists(`${bundle.path}/bootstrap.json`) !== undefined;
  try {
    return { kind: "alive", shim: await connectShim(bundle, isSure ? place : { path: place.path }, options) };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (isNobodyListening(error)) return { kind: "dead" };
    // Ended between accepting and answering: the next look finds it dead.
    if (isCode(error, "unavailable")) return await afterReset(bundle, place.path, error);
    return { kind: "silent", why: error };
  }
}

async function afterReset(bundle: Bundle, path: string, why: unknown): Promise<ShimCondition> {
  try {
    using _connection = await Deno.connect({ transport: "unix", path });
    return { kind: "silent", why };
  } catch {
    return (await shimsOf(bundle)).length === 0 ? { kind: "dead" } : { kind: "silent", why };
  }
}
