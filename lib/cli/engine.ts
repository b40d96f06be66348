/** Which engine a command gets. */
import { readJsonIfExists } from "../base/atomic_file.ts";
import { GantryError } from "../base/errors.ts";
import { isRecord, recordField, stringField } from "../base/json.ts";
import type { InstancePaths } from "../engine/container_paths.ts";
import type { Engine } from "../engine/engine.ts";
import type { CliContext } from "./context.ts";

/** Socket of a containerd that the system runs. */
export const systemAddress = "/run/containerd/containerd.sock";

/** Where the containerd of a command is, and why there. */
export interface EngineChoice {
  readonly address: string;
  /** `given` by flag, variable or file; `instance`: supervised by gantry; `system`: the usual socket. */
  readonly origin: "given" | "instance" | "system";
}

/** The instance that --root and --state name. */
export function instanceOf(context: CliContext): InstancePaths {
  return { root: context.settings.root, state: context.settings.state };
}

/** Works out where containerd is. Reads a file or two, asks nobody. */
export async function chooseEngine(context: CliContext): Promise<EngineChoice> {
  const { address, state } = context.settings;
  if (address !== undefined) return { address, origin: "given" };
  const supervised = await supervisedAddress(state);
  return supervised === undefined
    ? { address: systemAddress, origin: "system" }
    : { address: supervised, origin: "instance" };
}

/** Opens the engine. */
export async function openEngine(context: CliContext): Promise<Engine> {
  const choice = await chooseEngine(context);
  if (choice.origin === "system" && !await exists(choice.address)) {
    throw new GantryError(
      "unavailable",
      `no containerd: nothing is supervised in ${context.settings.state}, and ${systemAddress} is not there`,
      {
        hint: "start one with `gantry up --detach`, or name a socket with --address",
      },
    );
  }
  if (context.settings.verbose) context.note(`gantry: using containerd at ${choice.address} (${choice.origin})`);
  const { connectContainerd } = await import("../engine/connect.ts");
  return await connectContainerd({
    address: choice.address,
    namespace: context.settings.namespace,
    instance: instanceOf(context),
    // A supervised containerd that is away comes back within a moment: its clients wait instead of failing.
    waitForReadyMs: choice.origin === "instance" ? 10_000 : 0,
    clock: context.clock,
  });
}

/**
 * The address in the supervisor's status file; undefined when nothing is supervised there. A supervisor that was killed has
 * not said that it is down: its containerd may go on, and is the one that is meant.
 */
async function supervisedAddress(state: string): Promise<string | undefined> {
  const record = await readJsonIfExists(`${state}/status.json`).catch(() => undefined);
  const status = isRecord(record) ? recordField(record, "status") : undefined;
  const address = status === undefined ? undefined : stringField(status, "address");
  if (address !== undefined) return status?.["state"] === "down" ? undefined : address;
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
