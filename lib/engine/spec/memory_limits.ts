import { formatBytes, parseBytes } from "../../base/bytes.ts";
import { GantryError } from "../../base/errors.ts";
import type { Memory } from "../../wire/oci_resources.ts";
import { noController } from "./cgroup_facts.ts";
import type { HostFacts } from "./host_facts.ts";

/** Limits of memory as the user gave them, in bytes. */
export interface MemoryRequest {
  readonly memory?: number | undefined;
  /** Memory and swap together; -1 for no limit of swap, 0 as if not given. */
  readonly memorySwap?: number | undefined;
  readonly memoryReservation?: number | undefined;
}

/** What `linux.resources.memory` is to be, and what could not be done. */
export interface ComposedMemory {
  readonly memory: Memory | undefined;
  readonly warnings: readonly string[];
}

type Host = Pick<HostFacts, "cgroup">;

/** Below it a process cannot even start; docker refuses it too. */
const minMemory = 6 * 1024 * 1024;

/** A size as `--memory-swap` takes it: docker's units, or -1 for no limit. Anything else is `invalid_argument`. */
export function parseMemorySwap(text: string): number {
  if (text === "-1") return -1;
  try {
    return parseBytes(text);
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    throw new GantryError(error.code, `--memory-swap: ${error.message}`, {
      hint: "write it as 2g or 512m (units of 1024), or -1 for no limit",
      cause: error,
    });
  }
}

/**
 * docker's rules. Memory gets as much swap again, unless a sum of both was given. Where the kernel does not account for
 * swap that is a warning and swap stays unlimited, while a sum that was asked for is `failed_precondition`.
 * `invalid_argument`: a sum without or below the memory, a reservation above it, less than 6 MiB of either.
 */
export function composeMemory(request: MemoryRequest, host: Host): ComposedMemory {
  const { memory, memoryReservation } = request;
  const memorySwap = request.memorySwap === 0 ? undefined : request.memorySwap;
  assertMemory("--memory", memory);
  assertMemory("--memory-reservation", memoryReservation);
  assertReservation(memoryReservation, memory);
  assertSwap(memorySwap, memory, host);
  if (memory !== undefined || memoryReservation !== undefined) assertController(request, host);
  const swap = memory === undefined || !host.cgroup.swap ? undefined : memorySwap ?? memory * 2;
  const limits: Memory = {
    ...(memory === undefined ? {} : { limit: memory }),
    ...(memoryReservation === undefined ? {} : { reservation: memoryReservation }),
    ...(swap === undefined ? {} : { swap }),
  };
  const isUnlimitedSwap = memory !== undefined && memorySwap === undefined && !host.cgroup.swap;
  return {
    memory: Object.keys(limits).length === 0 ? undefined : limits,
    warnings: isUnlimitedSwap ? ["--memory limits memory without swap: this kernel does not account for swap"] : [],
  };
}

/**
 * What to tell the runtime so that a container with the limits `current` gets those of the request; fields that are not
 * asked for keep their value. A memory of -1 takes the limits of memory and swap away.
 *
 * Memory and swap go together: on v2 the runtime needs one to work the other out, and on v1 it orders the two writes by
 * them. As with docker, memory above the sum that is set is `invalid_argument` unless a new sum is given with it.
 */
export function updateMemory(request: MemoryRequest, current: Memory | undefined, host: Host): ComposedMemory {
  const { memory, memoryReservation } = request;
  const memorySwap = request.memorySwap === 0 ? undefined : request.memorySwap;
  if (memory === undefined && memorySwap === undefined && memoryReservation === undefined) {
    return { memory: undefined, warnings: [] };
  }
  assertController(request, host);
  const before = limitOf(current?.limit);
  if (memory !== -1) assertMemory("--memory", memory);
  const limit = memory === undefined ? before : limitOf(memory);
  assertMemory("--memory-reservation", memoryReservation);
  assertReservation(memoryReservation ?? current?.reservation, limit);
  assertSwap(memorySwap, limit, host);
  const reservation = memoryReservation === undefined ? {} : { reservation: memoryReservation };
  if (limit === undefined) {
    const none = memory === undefined ? {} : { limit: -1, ...(host.cgroup.swap ? { swap: -1 } : {}) };
    return { memory: { ...none, ...reservation }, warnings: [] };
  }
  if (memory === undefined && memorySwap === undefined) return { memory: reservation, warnings: [] };
  if (memorySwap === undefined && before === undefined) {
    const { memory: composed, warnings } = composeMemory({ memory: limit }, host);
    return { memory: { ...composed, ...reservation }, warnings };
  }
  const swap = memorySwap ?? keptSwap(limit, current?.swap);
  return {
    memory: { limit, ...reservation, ...(swap === undefined || !host.cgroup.swap ? {} : { swap }) },
    warnings: [],
  };
}

function keptSwap(limit: number, swap: number | undefined): number | undefined {
  const sum = limitOf(swap);
  if (sum === undefined || limit <= sum) return swap;
  throw new GantryError(
    "invalid_argument",
    `--memory ${formatBytes(limit)} is more than the ${formatBytes(sum)} of memory and swap that are set`,
    { hint: `give --memory-swap too: at least ${formatBytes(limit)}, or -1 for no limit` },
  );
}

/** A limit that limits; undefined for none. */
function limitOf(bytes: number | undefined): number | undefined {
  return bytes === undefined || bytes <= 0 ? undefined : bytes;
}

function assertMemory(flag: string, bytes: number | undefined): void {
  if (bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= minMemory)) return;
  const shown = Number.isFinite(bytes) && bytes >= 0 ? formatBytes(bytes) : String(bytes);
  throw new GantryError("invalid_argument", `${flag} ${shown} is too little`, {
    hint: `the least is ${formatBytes(minMemory)}`,
  });
}

function assertReservation(reservation: number | undefined, memory: number | undefined): void {
  if (reservation === undefined || memory === undefined || reservation <= memory) return;
  throw new GantryError(
    "invalid_argument",
    `--memory ${formatBytes(memory)} is less than --memory-reservation ${formatBytes(reservation)}`,
    { hint: "reserve less than the limit" },
  );
}

function assertSwap(sum: number | undefined, memory: number | undefined, { cgroup }: Host): void {
  if (sum === undefined || sum === -1) return;
  const hint = "it is memory and swap together; -1 is no limit";
  if (!Number.isSafeInteger(sum) || sum < 0) {
    throw new GantryError("invalid_argument", `--memory-swap ${sum} is not a size`, { hint });
  }
  const shown = `--memory-swap ${formatBytes(sum)}`;
  if (memory === undefined) {
    throw new GantryError("invalid_argument", `${shown} needs a limit of memory`, { hint: "give --memory too" });
  }
  if (sum < memory) {
    throw new GantryError("invalid_argument", `${shown} is less than --memory ${formatBytes(memory)}`, { hint });
  }
  if (cgroup.swap) return;
  throw new GantryError("failed_precondition", `${shown} cannot be applied: this kernel does not account for swap`, {
    hint: "leave it out, or boot with swapaccount=1",
  });
}

function assertController(request: MemoryRequest, { cgroup }: Host): void {
  if (cgroup.memory) return;
  const flags = { "--memory": request.memory, "--memory-reservation": request.memoryReservation };
  const flag = Object.entries(flags).find(([, bytes]) => bytes !== undefined)?.[0] ?? "--memory-swap";
  throw noController(flag, "memory");
}
