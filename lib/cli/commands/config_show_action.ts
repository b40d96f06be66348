import { fileKey, flagMap, type Invocation, type ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import type { Flag } from "../flags.ts";
import { globalFlags } from "../global_flags.ts";
import { supervisorOptions } from "../instance.ts";
import { settingFlags, type SettingOrigin, sourceOf } from "../settings.ts";
import type { configShowFlags } from "./config.ts";

/** One setting. */
interface SettingRow {
  /** As it stands in the file. */
  readonly key: string;
  /** Null when it is not set and has no default that could be written. */
  readonly value: string | number | boolean | readonly string[] | null;
  /** E.g. `GANTRY_OOM_SCORE`, `/etc/gantry/config.toml:3`, `default`. */
  readonly origin: string;
  /** One line on what it is. */
  readonly summary: string;
}

/** Shows the settings, or what containerd would get. */
export async function run(
  { flags }: Invocation<ValuesOf<typeof configShowFlags>>,
  context: CliContext,
): Promise<number> {
  const { output, settings, commands, signal } = context;
  if (flags.generated) {
    const { previewConfig } = await import("../../supervisor/config_check.ts");
    const { config } = await previewConfig(supervisorOptions(flags, context), { clock: context.clock, signal });
    output.one({ ...config.document }, () => config.text);
    return 0;
  }
  const rows = [...settingFlags(commands, flagMap(globalFlags))].map(([key, flag]) => rowOf({ key, flag }, context));
  if (output.json || settings.format !== undefined) {
    output.list(rows, {
      columns: [
        { header: "KEY", field: "key" },
        { header: "VALUE", field: "value" },
        { header: "ORIGIN", field: "origin" },
      ],
      fields: ["key", "value", "origin", "summary"],
    });
    return 0;
  }
  output.raw(rows.map((row) => line(row, flags.origin)).join(""));
  return 0;
}

function rowOf(
  { key, flag }: { readonly key: string; readonly flag: Flag<unknown> },
  { sources }: CliContext,
): SettingRow {
  const { words, origin } = sourceOf(key, flag, sources);
  return { key: fileKey(key), value: valueOf(flag, words), origin: originText(origin), summary: flag.summary };
}

/** The value as the file would have it: durations and sizes stay as they were written. */
function valueOf(flag: Flag<unknown>, words: readonly string[]): SettingRow["value"] {
  if (flag.repeatable) return words;
  const word = words[0] ?? flag.defaultWord;
  if (word === undefined) return null;
  if (flag.kind === "boolean") return flag.read([word]) === true;
  return flag.kind === "number" ? Number(word) : word;
}

function line({ key, value, origin, summary }: SettingRow, withOrigin: boolean): string {
  const isDefault = origin === "default";
  const text = value === null ? '""' : JSON.stringify(value);
  const comment = withOrigin ? `  # ${isDefault && value === null ? "not set" : origin}` : "";
  return `# ${summary}\n${isDefault ? "# " : ""}${key} = ${text}${comment}\n`;
}

function originText(origin: SettingOrigin): string {
  if (origin.kind === "default") return "default";
  return origin.kind === "file" ? `${origin.path}:${origin.line}` : origin.name;
}
