import type { Spec } from "../../wire/oci.ts";
import { type CriuOptions, namesOfOptions } from "./checkpoint_options.ts";

/**
 * Names CRIU's configuration file of one container. runc hands it to CRIU on dump and on restore (libcontainer
 * criu_linux.go); without the annotation it names /etc/criu/runc.conf, which is the whole host's.
 */
export const criuConfigAnnotation = "org.criu.config";

/**
 * Content of a CRIU configuration file. On dump containerd's options say the same; on restore no shim has a field for
 * them, so this file is the only way. What it says wins over what runc asks for.
 */
export function criuConfigText(options: CriuOptions): string {
  const lines = namesOfOptions(options).map((name) => name === "empty-net" ? "empty-ns net" : name);
  return ["# Written by gantry for one container.", ...lines, ""].join("\n");
}

/** The spec with CRIU's configuration file named in it. */
export function withCriuConfig(spec: Spec, path: string): Spec {
  return { ...spec, annotations: { ...spec.annotations, [criuConfigAnnotation]: path } };
}
