import type { ContainerRecord } from "../../containerd/containers.ts";
import { unpackJson } from "../../wire/any.ts";
import type { Spec } from "../../wire/oci.ts";
import { withoutNulls } from "../spec/shape.ts";
import { isSpec } from "../spec/spec_shape.ts";

/** The spec a container was stored with; undefined when there is none, or it is none that gantry understands. */
export function storedSpec(record: Pick<ContainerRecord, "spec">): Spec | undefined {
  // Clients written in Go store absent lists as null.
  const value = withoutNulls(unpackJson(record.spec));
  return isSpec(value) ? value : undefined;
}
