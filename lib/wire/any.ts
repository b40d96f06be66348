import { encodeOci } from "./oci_json.ts";
import type { Any } from "../../proto/gen/google/protobuf/any.ts";

/** Type URLs of the JSON values containerd stores. Bare names: containerd 1.x does not resolve `type.googleapis.com/`. */
export const typeUrls = {
  spec: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
  process: "types.containerd.io/opencontainers/runtime-spec/1/Process",
  resources: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
} as const;

/** Packs an OCI value as JSON under one of {@link typeUrls}, with the integers Go expects; see `oci_json.ts`. */
export function packJson(typeUrl: string, value: unknown): Any {
  return { typeUrl, value: new TextEncoder().encode(encodeOci(value)) };
}

/** A value with the name of its type, as containerd stores it. */
export interface PackedValue {
  /** Name of the type. */
  readonly typeUrl: string;
  /** The value: JSON for OCI types. */
  readonly value: Uint8Array;
}

/** The JSON value in `any`; undefined when it is absent or not JSON. */
export function unpackJson(any: PackedValue | undefined): unknown {
  if (any === undefined || any.value.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(any.value));
  } catch {
    return undefined;
  }
}
