import { isRecord } from "../../base/json.ts";
import type { ContainerRecord } from "../../wire/container_record.ts";
import { unpackJson } from "../../wire/any.ts";
import type { Spec } from "../../wire/oci.ts";
import { withoutNulls } from "../spec/shape.ts";
import { isSpec } from "../spec/spec_shape.ts";

/** The spec a container was stored with; undefined when there is none, or it is none that gantry understands. */
export function storedSpec(record: Pick<ContainerRecord, "spec">): Spec | undefined {
  return checked(unpackJson(record.spec));
}

/**
 * The same without the seccomp profile, which is most of a spec, for lists: to look at five hundred whole ones takes
 * 80 ms, without it half of that.
 */
export function storedSpecForList(record: Pick<ContainerRecord, "spec">): Spec | undefined {
  const spec = unpackJson(record.spec);
  if (!isRecord(spec) || !isRecord(spec["linux"])) return checked(spec);
  const { seccomp: _, ...linux } = spec["linux"];
  return checked({ ...spec, linux });
}

function checked(spec: unknown): Spec | undefined {
  // Clients written in Go store absent lists as null.
  const value = withoutNulls(spec);
  return isSpec(value) ? value : undefined;
}
