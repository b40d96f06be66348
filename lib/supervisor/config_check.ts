import { type Clock, systemClock } from "../base/clock.ts";
import { systemError } from "../base/errno.ts";
import { isCode, messageOf } from "../base/errors.ts";
import { isRecord } from "../base/json.ts";
import { didYouMean } from "../base/suggest.ts";
import { type ContainerdBinary, inspectBinary } from "./binary.ts";
import { configFor, type GeneratedConfig } from "./config.ts";
import { parseToml, type TomlTable } from "./config_merge.ts";
import { parseLogLine } from "./log_line.ts";
import type { SupervisorOptions } from "./options.ts";
import { instancePaths } from "./paths.ts";
import { type ProgramResult, runProgram } from "./run_program.ts";

/** Something about a configuration that somebody should know. */
export interface ConfigProblem {
  /** `error`: containerd refuses it. `unknown_key`: containerd ignores a key. `warning`: what containerd says itself. */
  readonly kind: "error" | "unknown_key" | "warning";
  /** What is wrong, and with which key. */
  readonly message: string;
  /** What may have been meant. */
  readonly hint?: string | undefined;
}

/** What {@link checkConfig} found. */
export interface ConfigReport {
  /** What was checked. */
  readonly config: GeneratedConfig;
  /** Who it is for. */
  readonly binary: ContainerdBinary;
  /** Empty when there is nothing to say. */
  readonly problems: readonly ConfigProblem[];
}

/** What the checks need from outside. */
export interface ConfigContext {
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

const dumpTimeoutMs = 15_000;

/** The configuration that `gantry up` with these options would write now. Nothing is written. */
export async function previewConfig(
  options: SupervisorOptions,
  context: ConfigContext = {},
): Promise<Pick<ConfigReport, "config" | "binary">> {
  const binary = await inspectBinary(options.containerd, context);
  const { oomScore } = options;
  return { binary, config: await configFor(options, { paths: instancePaths(options), binary, oomScore }) };
}

/**
 * Lets containerd itself read the configuration that these options give (`containerd config dump`), and compares what
 * it understood with what was written: containerd 1.x ignores unknown keys without a word. The instance is not touched.
 */
export async function checkConfig(options: SupervisorOptions, context: ConfigContext = {}): Promise<ConfigReport> {
  const { binary, config } = await previewConfig(options, context);
  const directory = await Deno.makeTempDir({ prefix: "gantry-config-" }).catch((error) => {
    throw systemError(error, "make a temporary directory");
  });
  try {
    const path = `${directory}/containerd.toml`;
    await Deno.writeTextFile(path, config.text, { mode: 0o600 }).catch((error) => {
      throw systemError(error, `write ${path}`);
    });
    const dump = await run(binary, { args: ["--config", path, "config", "dump"], context });
    if (dump.code !== 0) return { config, binary, problems: [refusal(dump)] };
    const defaults = await run(binary, { args: ["config", "default"], context });
    const problems = [
      ...unknownKeys(config.document, parseIfToml(dump.stdout)),
      ...unknownPlugins(config.document, parseIfToml(defaults.stdout)),
      ...warnings(dump.stderr),
    ];
    return { config, binary, problems };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Keys of `written` that are not in what containerd made of it. */
function unknownKeys(written: TomlTable, understood: TomlTable): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const visit = (table: TomlTable, other: TomlTable, path: readonly string[]): void => {
    for (const [key, value] of Object.entries(table)) {
      const here = [...path, key];
      const counterpart = Object.hasOwn(other, key) ? other[key] : undefined;
      if (isRecord(value) && isRecord(counterpart)) visit(value, counterpart, here);
      // Whole plugins are the business of unknownPlugins, which knows them in every release.
      else if (counterpart === undefined && !isEmptyTable(value) && path.join() !== "plugins") {
        problems.push({
          kind: "unknown_key",
          message: `containerd does not know ${here.join(".")}`,
          hint: didYouMean(key, Object.keys(other)),
        });
      }
    }
  };
  visit(written, understood, []);
  return problems;
}

/** containerd 2.x repeats the table of a plugin it does not have: only the defaults tell which ones there are. */
function unknownPlugins(written: TomlTable, defaults: TomlTable): readonly ConfigProblem[] {
  const configured = isRecord(written["plugins"]) ? Object.keys(written["plugins"]) : [];
  const known = isRecord(defaults["plugins"]) ? Object.keys(defaults["plugins"]) : [];
  if (known.length === 0) return [];
  return configured
    .filter((id) => !known.includes(id))
    .map((id) => ({
      kind: "unknown_key" as const,
      message: `this containerd has no plugin ${id} that can be configured`,
      hint: didYouMean(id, known),
    }));
}

/** What containerd warns of, except for unknown keys, which were found already. */
function warnings(stderr: string): readonly ConfigProblem[] {
  return stderr.split("\n")
    .filter((line) => line.trim() !== "")
    .map(parseLogLine)
    .filter(({ level, message }) =>
      level !== "info" && level !== "debug" && !message.startsWith("Ignoring unknown key")
    )
    .map(({ message, fields }) => {
      const error = fields["error"];
      return { kind: "warning", message: error === undefined ? message : `${message}: ${error}` };
    });
}

function refusal({ code, signal, stderr }: ProgramResult): ConfigProblem {
  const said = stderr.trim().slice(-1000) || `it ended with ${signal ?? `exit code ${code}`} and said nothing`;
  return { kind: "error", message: `containerd refuses the configuration: ${said}` };
}

function parseIfToml(text: string): TomlTable {
  try {
    return parseToml(text, "the answer of containerd");
  } catch (error) {
    if (!isCode(error, "invalid_argument")) throw error;
    return {};
  }
}

function isEmptyTable(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

interface Run {
  readonly args: readonly string[];
  readonly context: ConfigContext;
}

async function run(binary: ContainerdBinary, { args, context }: Run): Promise<ProgramResult> {
  const { clock = systemClock, signal } = context;
  try {
    return await runProgram(binary.path, { args, timeoutMs: dumpTimeoutMs, clock, signal });
  } catch (error) {
    if (!isCode(error, "deadline_exceeded")) throw error;
    return { code: -1, signal: "SIGKILL", stdout: "", stderr: messageOf(error) };
  }
}
