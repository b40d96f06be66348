import { stringify } from "smol-toml";
import { writeFileAtomic } from "../base/atomic_file.ts";
import { systemError } from "../base/errno.ts";
import { isRecord, recordField, stringField } from "../base/json.ts";
import type { LogLevel } from "../base/log.ts";
import type { ContainerdBinary } from "./binary.ts";
import { mergeConfig, readTomlFile, type TomlTable } from "./config_merge.ts";
import { unwantedPlugins } from "./config_plugins.ts";
import type { SupervisorOptions } from "./options.ts";
import type { InstancePaths } from "./paths.ts";

/** What a configuration is made of. */
export interface ConfigInput {
  readonly paths: InstancePaths;
  readonly binary: Pick<ContainerdBinary, "major" | "minor" | "configVersion">;
  readonly cri: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: "text" | "json";
  /** Written only when containerd is able to set it; undefined leaves the inherited one. */
  readonly oomScore?: number | undefined;
  /** A table laid over the result, and the file it comes from. */
  readonly extra?: { readonly source: string; readonly table: TomlTable } | undefined;
}

/** A configuration of containerd. */
export interface GeneratedConfig {
  /** TOML, with a first line that says who wrote it. */
  readonly text: string;
  /** The same, parsed. */
  readonly document: TomlTable;
  /** Of the configuration's format. */
  readonly version: number;
  /** Full ids. */
  readonly disabledPlugins: readonly string[];
}

const firstLine = "# Written by gantry at every start. Changes belong in a file given with --config-extra.\n";

/** The configuration for one containerd. Pure: the same input gives the same text. */
export function generateConfig(input: ConfigInput): GeneratedConfig {
  const { paths, binary, cri, extra } = input;
  const disabledPlugins = unwantedPlugins(binary, { cri, wanted: configuredPlugins(extra?.table) });
  const base: TomlTable = {
    version: binary.configVersion,
    root: paths.containerdRoot,
    state: paths.containerdState,
    // Its dump of goroutines has a name that can be guessed: not in the /tmp of everybody.
    temp: paths.containerdTemp,
    ...(input.oomScore === undefined ? {} : { oom_score: input.oomScore }),
    disabled_plugins: disabledPlugins,
    ...serverTables(input),
    debug: { level: containerdLevel(input.logLevel), format: input.logFormat },
    // Without it a second containerd on the same root waits in bolt's lock for ever, and says nothing.
    timeouts: { "io.containerd.timeout.bolt.open": "10s" },
  };
  const document = extra === undefined ? base : mergeConfig(base, extra.table, extra.source);
  const disabled = document["disabled_plugins"];
  return {
    text: `${firstLine}${stringify(document)}`,
    document,
    version: binary.configVersion,
    disabledPlugins: Array.isArray(disabled) ? disabled.filter((id) => typeof id === "string") : [],
  };
}

/** The configuration that `options` ask for; reads the extra file. */
export async function configFor(
  options: SupervisorOptions,
  { paths, binary, oomScore }: Pick<ConfigInput, "paths" | "binary" | "oomScore">,
): Promise<GeneratedConfig> {
  const { cri, logLevel, logFormat, configExtra } = options;
  const extra = configExtra === undefined ? undefined : { source: configExtra, table: await readTomlFile(configExtra) };
  return generateConfig({ paths, binary, cri, logLevel, logFormat, oomScore, extra });
}

/** Writes the configuration where containerd is told to look; a file that already says the same is left alone. */
export async function writeConfig(config: GeneratedConfig, path: string): Promise<void> {
  let current: string | undefined;
  try {
    // Not through a link: what is there decides whether we write.
    const { isFile, mode } = await Deno.lstat(path);
    if (isFile && mode !== null && (mode & 0o777) === 0o600) current = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw systemError(error, `read ${path}`);
  }
  if (current !== config.text) await writeFileAtomic(path, config.text, { mode: 0o600 });
}

/** Says whether two configurations are the same. */
export async function configHash({ text }: GeneratedConfig): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

/** The gRPC socket that a configuration of any version names. */
export function addressIn(document: TomlTable): string | undefined {
  const plugins = recordField(document, "plugins") ?? {};
  const server = recordField(plugins, "io.containerd.server.v1.grpc") ?? recordField(document, "grpc") ?? {};
  return stringField(server, "address");
}

/** The sockets, and what must be turned off by configuration. */
function serverTables({ paths, binary, cri }: ConfigInput): TomlTable {
  const owner = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
  const grpc = { address: paths.address, ...owner };
  const ttrpc = { address: paths.ttrpcAddress, ...owner };
  // Its one well-known socket would be fought over by several instances.
  const nri = cri && (binary.major > 1 || binary.minor >= 7) ? { "io.containerd.nri.v1.nri": { disable: true } } : {};
  if (binary.configVersion < 4) {
    return { grpc, ttrpc, ...(Object.keys(nri).length === 0 ? {} : { plugins: nri }) };
  }
  return {
    plugins: { "io.containerd.server.v1.grpc": grpc, "io.containerd.server.v1.ttrpc": ttrpc, ...nri },
  };
}

/** containerd's logrus calls it `warn` in every release. */
function containerdLevel(level: LogLevel): string {
  return level === "warning" ? "warn" : level;
}

function configuredPlugins(table: TomlTable | undefined): ReadonlySet<string> {
  const plugins = table?.["plugins"];
  return new Set(isRecord(plugins) ? Object.keys(plugins) : []);
}
