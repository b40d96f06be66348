/** From the flags of `run` to what the engine takes. */
import { GantryError } from "../../base/errors.ts";
import type { ContainerOptions } from "../../engine/container_options.ts";
import { parseEnvFlag, readEnvFile } from "../../engine/spec/env.ts";
import { parseMount, parseRootfs, parseTmpfs, parseVolume } from "../../engine/spec/mount_options.ts";
import type { ValuesOf } from "../command.ts";
import type { containerFlags } from "./container_flags.ts";

/** What the command line says beside the flags. */
export interface ContainerArguments {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Size of our terminal; undefined without one. */
  readonly consoleSize?: { readonly width: number; readonly height: number } | undefined;
}

/** Puts the options of a container together. Reads the env files; the rest is checked by the engine. */
export async function containerOptions(
  flags: ValuesOf<typeof containerFlags>,
  { command, tty, stdin, consoleSize }: ContainerArguments,
): Promise<ContainerOptions> {
  if (flags.rootfs === undefined) {
    throw new GantryError("invalid_argument", "no root filesystem given", {
      hint: "name a directory: gantry run --rootfs DIR -- COMMAND",
    });
  }
  if (command.length === 0 && flags.entrypoint === undefined && flags.spec === undefined) {
    throw new GantryError("invalid_argument", "no command given", {
      hint: "gantry run --rootfs DIR -- COMMAND [ARGUMENTS…]",
    });
  }
  return {
    name: flags.name,
    rootfs: parseRootfs(flags.rootfs),
    entrypoint: flags.entrypoint,
    command,
    env: await environment(flags.envFile, flags.env),
    cwd: flags.workdir,
    user: flags.user,
    hostname: flags.hostname,
    tty,
    stdin,
    consoleSize,
    mounts: [
      ...flags.volume.map((text) => parseVolume(text)),
      ...flags.mount.map((text) => parseMount(text)),
      ...flags.tmpfs.map(parseTmpfs),
    ],
    readOnly: flags.readOnly,
    network: flags.network,
    memory: flags.memory,
    cpus: flags.cpus,
    pidsLimit: flags.pidsLimit,
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    privileged: flags.privileged,
    securityOpt: flags.securityOpt,
    labels: flags.label,
    stopSignal: flags.stopSignal,
    stopTimeout: flags.stopTimeout,
    specFile: flags.spec,
  };
}

/** Files first, in order; -e wins over them, as in docker. */
async function environment(files: readonly string[], flags: readonly string[]): Promise<readonly string[]> {
  const fromFiles: string[] = [];
  for (const file of files) fromFiles.push(...await readEnvFile(file));
  return [...fromFiles, ...flags.map((text) => parseEnvFlag(text)).filter((entry) => entry !== undefined)];
}
