import { readTextIfExists, writeFileAtomic } from "../../base/atomic_file.ts";
import type { Spec } from "../../wire/oci.ts";
import type { ContainerPaths } from "../container_paths.ts";
import { type CriuOptions, namesOfOptions } from "./checkpoint_options.ts";

/**
 * Names CRIU's configuration file of one container. runc hands it to CRIU on dump and on restore (libcontainer
 * criu_linux.go); without the annotation it names /etc/criu/runc.conf, which is the whole host's.
 */
export const criuConfigAnnotation = "org.criu.config";

/** The file that {@link criuConfigAnnotation} named before gantry put its own there. */
const originalAnnotation = "gantry/criu-config";
const hostConfig = "/etc/criu/runc.conf";

/**
 * Content of a CRIU configuration file. On dump containerd's options say the same; on restore no shim has a field for
 * them, so this file is the only way. What it says wins over what runc asks for. `base` is what the file would have said
 * without gantry.
 */
export function criuConfigText(options: CriuOptions, base = ""): string {
  const lines = namesOfOptions(options).map((name) => name === "empty-net" ? "empty-ns net" : name);
  return `# Written by gantry for one container.\n${
    [base.trimEnd(), ...lines].filter((line) => line !== "").join("\n")
  }\n`;
}

/** The spec with CRIU's configuration file named in it. */
export function withCriuConfig(spec: Spec, path: string): Spec {
  return { ...spec, annotations: { ...spec.annotations, [criuConfigAnnotation]: path } };
}

/**
 * The spec for a restore with these options: the same one when there is nothing to say. Else it names a file in the
 * container's data directory, which {@link writeCriuConfig} writes; a configuration of the user's own stays in force in it.
 */
export function configuredSpec(spec: Spec, paths: ContainerPaths, options: CriuOptions): Spec {
  const named = spec.annotations?.[criuConfigAnnotation];
  if (named === configIn(paths) || namesOfOptions(options).length === 0) return spec;
  const remembered = named === undefined ? {} : { [originalAnnotation]: named };
  return withCriuConfig({ ...spec, annotations: { ...spec.annotations, ...remembered } }, configIn(paths));
}

/**
 * Writes the options where CRIU finds them, if the spec names such a file. Before a dump too: what a restore wrote for the
 * container would allow the dump what was not asked for now.
 */
export async function writeCriuConfig(spec: Spec, paths: ContainerPaths, options: CriuOptions): Promise<void> {
  if (spec.annotations?.[criuConfigAnnotation] !== configIn(paths)) return;
  const base = await readTextIfExists(spec.annotations[originalAnnotation] ?? hostConfig);
  await writeFileAtomic(configIn(paths), criuConfigText(options, base));
}

/** The spec as it was before {@link configuredSpec}, for a container with other paths. */
export function withoutCriuConfig(spec: Spec, data: string): Spec {
  if (spec.annotations?.[criuConfigAnnotation] !== `${data}/${configName}`) return spec;
  const { [criuConfigAnnotation]: _own, [originalAnnotation]: original, ...annotations } = spec.annotations;
  return {
    ...spec,
    annotations: { ...annotations, ...(original === undefined ? {} : { [criuConfigAnnotation]: original }) },
  };
}

const configName = "criu.conf";

function configIn(paths: ContainerPaths): string {
  return `${paths.data}/${configName}`;
}
