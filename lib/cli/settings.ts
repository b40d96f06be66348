/** Where the value of a flag comes from: the command line, the environment, the configuration file, or its default. */
import { GantryError, messageOf } from "../base/errors.ts";
import { nearest } from "../base/suggest.ts";
import { type Command, envName, fileKey, longName, type ReadFlag } from "./command.ts";
import type { Flag } from "./flags.ts";
import type { GivenFlags } from "./parse.ts";
import type { SettingsFile } from "./settings_file.ts";

/** Who said what a setting is. */
export type SettingOrigin =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: "file"; readonly path: string; readonly line: number }
  | { readonly kind: "default" };

/** The words of a setting and who said them. */
export interface Source {
  readonly words: readonly string[];
  readonly origin: SettingOrigin;
}

/** What to look through, strongest first. */
export interface SettingSources {
  readonly given: GivenFlags;
  readonly env: Readonly<Record<string, string>>;
  /** Undefined when there is none. */
  readonly file: SettingsFile | undefined;
}

/**
 * Variables that are no settings: the file to read; what the portable executable and its stub say to each other
 * (`base/build_info.ts`, `scripts/compile`); what the test scripts say to the tests.
 */
const ownVariables = /^GANTRY_(CONFIG|CACHE|STUB_\w+|TEST_\w+)$/;

/** Every flag that is a setting, by key: those of the commands and the global ones. */
export function settingFlags(
  commands: readonly Command[],
  globals: ReadonlyMap<string, Flag<unknown>>,
): ReadonlyMap<string, Flag<unknown>> {
  const all = [globals, ...commands.map((command) => command.flags)].flatMap((flags) => [...flags]);
  return new Map(all.filter(([, flag]) => flag.setting === true));
}

/** The words for one flag from the strongest source that has any. An empty variable counts as unset. */
export function sourceOf(key: string, flag: Flag<unknown>, sources: SettingSources): Source {
  const given = sources.given.get(key);
  if (given !== undefined) return { words: given, origin: { kind: "flag", name: `--${longName(key)}` } };
  for (const name of variablesOf(key, flag)) {
    const value = sources.env[name];
    if (value !== undefined && value !== "") return { words: [value], origin: { kind: "environment", name } };
  }
  const entry = flag.setting === true ? sources.file?.entries.get(key) : undefined;
  if (sources.file !== undefined && entry !== undefined) {
    return { words: entry.words, origin: { kind: "file", path: sources.file.path, line: entry.line } };
  }
  return { words: [], origin: { kind: "default" } };
}

/** A reader of typed values; a value of the wrong form is an error that names the place it stands at. */
export function settingReader(sources: SettingSources): ReadFlag {
  return (key, flag) => {
    const { words, origin } = sourceOf(key, flag, sources);
    try {
      return flag.read(words);
    } catch (error) {
      if (error instanceof GantryError) throw error;
      throw new GantryError("invalid_argument", `${placeOf(key, origin)}: ${messageOf(error)}`, { cause: error });
    }
  };
}

/** `--oom-score`, `GANTRY_OOM_SCORE` or `/etc/gantry/config.toml:3: oom_score`. */
export function placeOf(key: string, origin: SettingOrigin): string {
  switch (origin.kind) {
    case "file":
      return `${origin.path}:${origin.line}: ${fileKey(key)}`;
    case "default":
      return `default of --${longName(key)}`;
    default:
      return origin.name;
  }
}

/**
 * One line for each GANTRY_ variable that nothing reads. These are warnings and not errors, unlike unknown keys of the file:
 * an environment is inherited, so a variable meant for another version or program must not stop this one.
 */
export function unknownVariables(
  env: Readonly<Record<string, string>>,
  settings: ReadonlyMap<string, Flag<unknown>>,
): readonly string[] {
  const known = new Set([...settings].flatMap(([key, flag]) => variablesOf(key, flag)));
  const unknown = Object.keys(env).filter((name) =>
    name.startsWith("GANTRY_") && !ownVariables.test(name) && !known.has(name)
  );
  return unknown.sort().map((name) => {
    const near = nearest(name, [...known, "GANTRY_CONFIG"]);
    return `the variable ${name} is not known${near === undefined ? "" : `; did you mean ${near}?`}`;
  });
}

function variablesOf(key: string, flag: Flag<unknown>): readonly string[] {
  return [...(flag.setting === true ? [envName(key)] : []), ...(flag.env ?? [])];
}
