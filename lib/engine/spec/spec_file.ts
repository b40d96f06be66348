import { GantryError } from "../../base/errors.ts";
import type { Spec } from "../../wire/oci.ts";
import { readJsonInput } from "./input_file.ts";
import { isDeeperThan, withoutNulls } from "./shape.ts";
import { isSpec, specShape } from "./spec_shape.ts";

/** Far more than any real spec has (six). */
const maxDepth = 32;

/** A config.json that the user gave. */
export interface LoadedSpec {
  /** Where it came from, for messages. */
  readonly path: string;
  readonly spec: Spec;
}

/** Options of {@link loadSpecFile}. */
export interface LoadSpecOptions {
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads an OCI config.json (`--spec`). Types are checked for every field gantry knows, and the others are kept as they
 * are; null counts as absent, as it does for the runtimes. What is not JSON or not a spec is `invalid_argument` and names
 * the file and the field.
 */
export async function loadSpecFile(path: string, options: LoadSpecOptions = {}): Promise<LoadedSpec> {
  return { path, spec: parseSpec(await readJsonInput({ flag: "--spec", path }, options), path) };
}

/** The spec in a parsed JSON document; `path` is for messages. */
export function parseSpec(document: unknown, path: string): Spec {
  return checkedSpec(document, (why) =>
    new GantryError("invalid_argument", `--spec ${path}: ${why}`, {
      hint: "it must be an OCI runtime spec, e.g. what runc spec writes",
    }));
}

/**
 * The spec that containerd has stored for a container, whoever made it. One that gantry cannot work with is `data_loss`
 * and says where.
 */
export function parseStoredSpec(document: unknown): Spec {
  return checkedSpec(
    document,
    (why) =>
      new GantryError("data_loss", `the container's stored OCI spec is unusable: ${why}`, {
        hint: "another client of containerd may have made it; remove the container and make it again",
      }),
  );
}

function checkedSpec(document: unknown, refuse: (why: string) => GantryError): Spec {
  if (isDeeperThan(document, maxDepth)) throw refuse(`nested deeper than ${maxDepth} levels`);
  const value = withoutNulls(document);
  if (isSpec(value)) {
    if (/^1\./.test(value.ociVersion)) return value;
    throw refuse(`ociVersion is ${JSON.stringify(value.ociVersion.slice(0, 40))}, gantry knows 1.x`);
  }
  throw refuse(specShape(value, "") ?? "not a spec");
}
