/** How a shim is told what it is for, and how it says where it listens: three dialects, by containerd's version. */
import { BootstrapParams, BootstrapResult } from "../../proto/gen/shim/bootstrap.ts";
import { Any } from "../../proto/gen/google/protobuf/any.ts";
import { isRecord, numberField, stringField } from "../base/json.ts";

/** What the start of a shim is told on its stdin from containerd 2.3 on. */
export interface ShimParameters {
  /** The container's id; the same as the flag -id. */
  readonly id: string;
  /** The same as the flag -namespace. */
  readonly namespace: string;
  /** The same as the flag -address. */
  readonly address: string;
  /** Socket that takes events; empty for none. */
  readonly events: string;
  /** Options of the runtime, of which the start looks at the shim's control group. */
  readonly options?: Any | undefined;
  /** Tells the shim to log everything. */
  readonly debug?: boolean | undefined;
}

/** Where a new shim listens. */
export interface ShimResult {
  /** Of the task service: 2 for shims 1.x, 3 for 2.x. */
  readonly version: number;
  /** E.g. `unix:///run/containerd/s/…`. */
  readonly address: string;
  /** `ttrpc` or `grpc`. */
  readonly protocol: string;
}

const debugLevel = -4;

/** The parameters as containerd 2.3 and later write them; 2.4 does not start without them, and 1.6 not with them. */
export function encodeParameters(parameters: ShimParameters): Uint8Array<ArrayBuffer> {
  const { id, namespace, address, events, options, debug = false } = parameters;
  return BootstrapParams.encode(BootstrapParams.fromPartial({
    instanceId: id,
    namespace,
    logLevel: debug ? debugLevel : 0,
    ttrpcAddress: events,
    grpcAddress: address,
    extensions: options === undefined ? [] : [{ value: options }],
  })).finish();
}

/**
 * The options alone, as containerd up to 2.2 writes them. Never for 2.3, which would take the type's name for the
 * container's id and so give all containers one socket.
 */
export function encodeLegacyOptions(options: Any): Uint8Array<ArrayBuffer> {
  return Any.encode(options).finish();
}

/**
 * Reads what a shim prints when it has started: protobuf (2.3 and later), JSON (2.0 to 2.2), or a bare address (1.x).
 * SyntaxError for anything else.
 */
export function parseStartOutput(bytes: Uint8Array): ShimResult {
  // Protobuf first, and on the bytes as they came: trimming text could cut a length off.
  const binary = decodeResult(bytes);
  if (binary !== undefined) return binary;
  const text = new TextDecoder().decode(bytes).trim();
  const parsed = text.startsWith("{") ? parseResult(text) : { version: 2, address: text, protocol: "ttrpc" };
  if (parsed !== undefined && isAddress(parsed.address)) return parsed;
  throw new SyntaxError(`not what a shim prints: ${JSON.stringify(text.slice(0, 200))}`);
}

function decodeResult(bytes: Uint8Array): ShimResult | undefined {
  try {
    const { version, address, protocol } = BootstrapResult.decode(bytes);
    return version > 0 && isAddress(address) && protocol !== "" ? { version, address, protocol } : undefined;
  } catch {
    return undefined;
  }
}

function parseResult(text: string): ShimResult | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecord(parsed)) return undefined;
    return {
      version: numberField(parsed, "version") ?? 0,
      address: stringField(parsed, "address") ?? "",
      protocol: stringField(parsed, "protocol") ?? "",
    };
  } catch {
    return undefined;
  }
}

function isAddress(text: string): boolean {
  return /^[a-z]+:\/\/\S+$/.test(text);
}
