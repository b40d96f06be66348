import { GantryError } from "../../base/errors.ts";
import { capabilityName } from "../../wire/capabilities.ts";
import type { Capabilities } from "../../wire/oci.ts";

/** docker's default for a container that is not privileged: fourteen, in its order. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** What a user asked for, and what this host can give. */
export interface CapabilityRequest {
  /** Names or `ALL`, any case, with or without `CAP_`. */
  readonly add: readonly string[];
  /** Likewise. */
  readonly drop: readonly string[];
  /** All that the host can give, whatever is in `add` and `drop`. */
  readonly privileged: boolean;
  /** The bounding set of the process that starts containers. */
  readonly available: readonly string[];
}

/** The capabilities of a container, and what was left out that the user did not ask to leave out. */
export interface ChosenCapabilities {
  readonly names: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * docker's rule: `ALL` in add is everything without what is dropped, `ALL` in drop is only what is added, else the default
 * without what is dropped and with what is added.
 *
 * runc fails with "unable to apply caps: operation not permitted" when it is to raise one that it does not have itself, so
 * nothing outside `available` is ever chosen: named in add it is `failed_precondition`, in the default it is a warning.
 */
export function chooseCapabilities(request: CapabilityRequest): ChosenCapabilities {
  const add = request.add.map((text) => parse(text, "--cap-add"));
  const drop = request.drop.map((text) => parse(text, "--cap-drop"));
  const { available } = request;
  if (request.privileged) {
    const warnings = drop.length === 0 ? [] : ["--cap-drop has no effect together with --privileged"];
    return { names: available, warnings };
  }
  const missing = add.find((name) => name !== "ALL" && !available.includes(name));
  if (missing !== undefined) {
    throw new GantryError("failed_precondition", `--cap-add ${missing}: gantry does not have this capability itself`, {
      hint: "see CapBnd in /proc/self/status; start containers from a process whose bounding set has it",
    });
  }
  const wanted = new Set(wantedOf(add, drop, available));
  const names = [...wanted].filter((name) => available.includes(name));
  const lost = [...wanted].filter((name) => !available.includes(name));
  return {
    names,
    warnings: lost.map((name) => `${name} is left out: it is not in the bounding set of gantry`),
  };
}

/**
 * The sets of a process. Like docker since CVE-2022-24769 nothing is inheritable or ambient, and a process that is not
 * root gets only the bounding set, as execve(2) would leave it.
 */
export function capabilitySets(names: readonly string[], uid: number): Capabilities {
  return uid === 0 ? { bounding: names, effective: names, permitted: names } : { bounding: names };
}

function wantedOf(add: readonly string[], drop: readonly string[], available: readonly string[]): readonly string[] {
  if (add.includes("ALL")) return available.filter((name) => !drop.includes(name));
  if (drop.includes("ALL")) return add;
  return [...defaultCapabilities.filter((name) => !drop.includes(name)), ...add];
}

function parse(text: string, flag: string): string {
  if (text.trim().toUpperCase() === "ALL") return "ALL";
  try {
    return capabilityName(text);
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    throw new GantryError(error.code, `${flag}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
