/** Stored containers made up for tests, with specs as gantry builds them. */
import type { ContainerRecord } from "../../../lib/wire/container_record.ts";
import { labelKeys } from "../../../lib/engine/container_plan.ts";
import type { InspectFacts } from "../../../lib/engine/inspect/inspect.ts";
import { buildSpec } from "../../../lib/engine/spec/build.ts";
import { packJson, typeUrls } from "../../../lib/wire/any.ts";
import type { Spec } from "../../../lib/wire/oci.ts";
import { type InputParts, sampleId, specInput } from "./spec_fixtures.ts";

/** When the containers of tests were made. */
export const created: number = Date.UTC(2026, 10, 22, 18, 0, 0, 250);

export const dataDir: string = `/var/lib/gantry/containers/default/${sampleId}`;

/** A container that gantry stored. */
export function storedContainer(spec: Spec, given: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id: sampleId,
    image: "",
    runtime: "io.containerd.runc.v2",
    createdAt: created,
    ...given,
    labels: {
      [labelKeys.name]: "web",
      [labelKeys.rootfs]: "/srv/rootfs",
      [labelKeys.data]: dataDir,
      ...given.labels,
    },
    spec: given.spec ?? packJson(typeUrls.spec, spec),
  };
}

/** A spec as `run` with these options builds it, on a host that can do everything. */
export function builtSpec(parts: InputParts = {}): Spec {
  return buildSpec({ ...specInput(parts), dataDir }).spec;
}

/** Facts about a container of which nothing is known but the record. */
export function factsOf(record: ContainerRecord, given: Partial<InspectFacts> = {}): InspectFacts {
  return { record, namespace: "default", socket: "/run/gantry/containerd.sock", ...given };
}
