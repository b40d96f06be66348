/** Which engine a command gets. */
import { readJsonIfExists } from "../base/atomic_file.ts";
import { GantryError, isCode } from "../base/errors.ts";
import { isRecord, recordField, stringField } from "../base/json.ts";
import type { InstancePaths } from "../engine/container_paths.ts";
import type { Engine } from "../engine/engine.ts";
import { shimInstance } from "../engine/shim_instance.ts";
import { bundlesDirectory } from "../shim/bundles_directory.ts";
import type { CliContext } from "./context.ts";

/** Socket of a containerd that the system runs. */
export const systemAddress = "/run/containerd/containerd.sock";

/** Who runs the containers of a command, and why they. */
export type EngineChoice =
  | {
    readonly kind: "containerd";
    /** Its socket. */
    readonly address: string;
    /** `given` by flag, variable or file; `instance`: supervised by gantry; `system`: the usual socket. */
    readonly origin: "given" | "instance" | "system";
    readonly instance: InstancePaths;
  }
  | {
    readonly kind: "shim";
    /** Directory of the bundles. */
    readonly address: string;
    /** `given` by flag, variable or file; `alone`: there is no containerd. */
    readonly origin: "given" | "alone";
    readonly instance: InstancePaths;
  };

/** Works out who runs containers. Reads a file or two, and asks nobody but whether anybody listens at the usual socket. */
export async function chooseEngine(context: CliContext): Promise<EngineChoice> {
  const { address, root, state, runtime } = context.settings;
  const instance = { root, state };
  if (runtime === "shim" && !isNamed(context)) return onShims(instance, "given");
  if (address !== undefined) return { kind: "containerd", address, origin: "given", instance };
  const supervised = await supervisedAddress(state);
  if (supervised !== undefined && supervised !== "down") {
    return { kind: "containerd", address: supervised, origin: "instance", instance };
  }
  // An instance whose containerd is down has its containers there: shims of ours would show none of them.
  if (runtime === "containerd" || supervised === "down" || await isListening(systemAddress)) {
    return { kind: "containerd", address: systemAddress, origin: "system", instance };
  }
  return onShims(instance, "alone");
}

/** Opens the engine; `chosen` is what {@link chooseEngine} has worked out already. */
export async function openEngine(context: CliContext, chosen?: EngineChoice): Promise<Engine> {
  const choice = chosen ?? await chooseEngine(context);
  const { verbose, namespace, shim, root, state } = context.settings;
  const { clock } = context;
  if (choice.kind === "shim") {
    if (verbose) context.note(`gantry: running shims in ${choice.address} (${choice.origin})`);
    const { connectShims } = await import("../engine/connect.ts");
    try {
      return await connectShims({ namespace, shim, clock, instance: { root, state } });
    } catch (error) {
      // Nobody asked for shims: what is missing is rather a containerd.
      throw choice.origin === "alone" && isCode(error, "not_found") ? nobody(state, error) : error;
    }
  }
  const { address, origin, instance } = choice;
  if (origin === "system" && !await exists(address)) throw nobody(state);
  if (verbose) context.note(`gantry: using containerd at ${address} (${origin})`);
  const { connectContainerd } = await import("../engine/connect.ts");
  // A supervised containerd that is away comes back within a moment: its clients wait instead of failing.
  const waitForReadyMs = origin === "instance" ? 10_000 : 0;
  return await connectContainerd({ address, namespace, instance, waitForReadyMs, clock });
}

/** The flags by which another gantry gets the same engine: what this command chose, not what the next would choose. */
export function engineFlags(
  { kind, address }: Pick<Engine, "kind" | "address">,
  context: CliContext,
): readonly string[] {
  const { root, state, namespace, shim } = context.settings;
  const how = kind === "shim" ? ["--shim", shim] : ["--address", address];
  return ["--root", root, "--state", state, "--namespace", namespace, "--runtime", kind, ...how];
}

/** True when this very command names a containerd, whatever variables and files say of shims; refused with `--runtime shim`. */
function isNamed(context: CliContext): boolean {
  if (context.originOf("address").kind !== "flag") return false;
  if (context.originOf("runtime").kind !== "flag") return true;
  throw new GantryError("invalid_argument", "--address names a containerd, and --runtime shim is without any", {
    hint: "leave out one of them",
  });
}

function onShims(instance: InstancePaths, origin: "given" | "alone"): EngineChoice {
  return { kind: "shim", address: bundlesDirectory(instance.state), origin, instance: shimInstance(instance) };
}

function nobody(state: string, cause?: unknown): GantryError {
  return new GantryError(
    "unavailable",
    `no containerd: none is supervised in ${state}, and nobody listens at ${systemAddress}`,
    {
      cause,
      hint: "start one with `gantry up --detach`, name a socket with --address, or run shims with --runtime shim",
    },
  );
}

/**
 * The address in the supervisor's status file; undefined when nothing was ever supervised there, since the
 * boot. A supervisor that was killed has
 * not said that it is down: its containerd may go on, and is the one that is meant.
 */
async function supervisedAddress(state: string): Promise<string | "down" | undefined> {
  const record = await readJsonIfExists(`${state}/status.json`).catch(() => undefined);
  const status = isRecord(record) ? recordField(record, "status") : undefined;
  const address = status === undefined ? undefined : stringField(status, "address");
  if (address !== undefined) return status?.["state"] === "down" ? "down" : address;
  const socket = `${state}/containerd.sock`;
  return await exists(socket) ? socket : undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** A socket that its containerd left when it was killed is nobody's. */
async function isListening(path: string): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ transport: "unix", path });
    return true;
  } catch (error) {
    // One that may not be opened is told by the call itself.
    return error instanceof Deno.errors.PermissionDenied;
  }
}
