import { systemError } from "../base/errno.ts";
import { GantryError, messageOf, toGantryError } from "../base/errors.ts";
import type { SpawnOptions } from "../base/spawn_detached.ts";
import { untilAborted } from "../base/until_aborted.ts";
import { encodeLegacyOptions, encodeParameters, parseStartOutput } from "../wire/bootstrap.ts";
import { packRuntimeOptions } from "../wire/runtime_options.ts";
import type { Bundle } from "./bundle.ts";
import { type ShimAddress, shimAddressOf } from "./bundle_address.ts";
import { parseShimVersion } from "./shim_version.ts";
import type { StartShimOptions } from "./start_shim.ts";

/** Options of {@link shimCommand}. */
export interface ShimCommandOptions extends Pick<StartShimOptions, "shim" | "events" | "path" | "debug"> {
  /** What follows the flags that all uses of a shim have in common. */
  readonly args: readonly string[];
  /** Default: no input, and no output. */
  readonly streams?: "piped" | undefined;
}

/** The arguments, environment and directory in which a shim expects to be run. */
export function shimInvocation(bundle: Bundle, options: Omit<ShimCommandOptions, "streams">): SpawnOptions {
  const { shim, events = "", path = Deno.env.get("PATH") ?? "", debug = false, args } = options;
  const { namespace, id, root } = bundle;
  return {
    // The address makes the name of a shim's socket: a containerd may have a container of the same id.
    args: ["-namespace", namespace, "-address", root, "-id", id, ...(debug ? ["-debug"] : []), ...args],
    cwd: bundle.path,
    env: {
      PATH: `${shim.slice(0, shim.lastIndexOf("/"))}:${path}`,
      TTRPC_ADDRESS: events,
      GRPC_ADDRESS: root,
      NAMESPACE: namespace,
      // As containerd sets it for a shim's server and for its commands.
      GOMAXPROCS: args[0] === "-socket" ? "4" : "2",
    },
  };
}

function shimCommand(bundle: Bundle, options: ShimCommandOptions): Deno.Command {
  const { streams = "null" } = options;
  const { args, env, cwd } = shimInvocation(bundle, options);
  return new Deno.Command(options.shim, {
    args: [...args],
    env: { ...env },
    cwd,
    clearEnv: true,
    // A session of its own: the terminal's Ctrl-C is not for shims.
    detached: true,
    stdin: streams,
    stdout: streams,
    stderr: streams,
  });
}

/** Runs the shim's `start` and gives where the shim listens then. Its words are in the error when it fails. */
export async function runStartCommand(bundle: Bundle, options: StartShimOptions): Promise<ShimAddress> {
  const { shim, signal } = options;
  const { code, stdout, stderr } = await runShimCommand(bundle, {
    ...options,
    args: ["start"],
    input: await startInput(bundle, options),
    signal,
  });
  if (code !== 0) {
    const said = new TextDecoder().decode(stderr).trim() || new TextDecoder().decode(stdout).trim();
    throw new GantryError("unknown", `the shim ${shim} did not start: ${said || `exit code ${code}`}`);
  }
  try {
    const { address, version, protocol } = parseStartOutput(stdout);
    const found = protocol === "ttrpc" ? shimAddressOf(address, version) : undefined;
    if (found !== undefined && version >= 2 && version <= 3) return found;
    throw new GantryError("unimplemented", `the shim ${shim} speaks ${protocol} version ${version} at ${address}`, {
      hint: "gantry speaks ttrpc versions 2 and 3 over unix sockets",
    });
  } catch (error) {
    if (error instanceof GantryError) throw error;
    throw new GantryError("unknown", `the shim ${shim} printed ${messageOf(error)}`, { cause: error });
  }
}

/** Runs one of a shim's commands to its end; it is killed when `signal` is aborted. */
export async function runShimCommand(
  bundle: Bundle,
  options: Omit<ShimCommandOptions, "streams"> & {
    readonly input?: Uint8Array<ArrayBuffer> | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<{ readonly code: number; readonly stdout: Uint8Array; readonly stderr: Uint8Array }> {
  const { shim, input = new Uint8Array(), signal } = options;
  if (signal?.aborted) throw toGantryError(signal.reason);
  let child: Deno.ChildProcess;
  try {
    child = shimCommand(bundle, { ...options, streams: "piped" }).spawn();
  } catch (error) {
    throw systemError(error, `run the shim ${shim}`);
  }
  const onAbort = (): void => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    // The pipes may outlive the child in hands of its children: then there is no end to wait for.
    const [output] = await untilAborted(Promise.all([child.output(), feed(child, input)]), signal);
    if (signal?.aborted) throw signal.reason;
    return output;
  } catch (error) {
    throw toGantryError(error);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** A shim reads its input to the end, so that must come. One that does not read at all closes the pipe. */
async function feed(child: Deno.ChildProcess, input: Uint8Array<ArrayBuffer>): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    if (input.length > 0) await writer.write(input);
    await writer.close();
  } catch {
    // It has ended; its exit code tells.
  }
}

/**
 * 1.6 refuses the parameters of 2.3 ("type with url ID: not found"), 1.7 to 2.2 pass over them and over the control group
 * in them; 2.3 would misread bare options. So the shim is asked for its version first, once in the life of this process.
 */
async function startInput(bundle: Bundle, options: StartShimOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { runtime = {}, events = "", debug } = options;
  const { id, namespace, root } = bundle;
  const packed = packRuntimeOptions(runtime);
  if (await isBefore23(bundle, options)) return encodeLegacyOptions(packed);
  return encodeParameters({ id, namespace, address: root, events, options: packed, debug });
}

const before23 = new Map<string, boolean>();

async function isBefore23(bundle: Bundle, options: StartShimOptions): Promise<boolean> {
  const known = before23.get(options.shim);
  if (known !== undefined) return known;
  const { stdout } = await runShimCommand(bundle, { ...options, args: ["-v"] });
  const [, major, minor] = /^([0-9]+)\.([0-9]+)/.exec(parseShimVersion(new TextDecoder().decode(stdout)) ?? "") ?? [];
  const isBefore = major !== undefined && Number(major) * 1000 + Number(minor) < 2003;
  before23.set(options.shim, isBefore);
  return isBefore;
}
