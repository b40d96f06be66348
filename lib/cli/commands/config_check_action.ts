import { checkConfig, type ConfigProblem } from "../../supervisor/config_check.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { supervisorOptions } from "../instance.ts";
import type { supervisorFlags } from "./supervisor_flags.ts";

/** Checks what containerd would get; gantry's own settings have been checked by now. */
export async function run(
  { flags }: Invocation<ValuesOf<typeof supervisorFlags>>,
  context: CliContext,
): Promise<number> {
  const { output, sources, clock, signal } = context;
  const { binary, problems } = await checkConfig(supervisorOptions(flags, context), { clock, signal });
  const ok = problems.every((problem) => problem.kind === "warning");
  const record = {
    ok,
    settings: sources.file?.path ?? null,
    containerd: { path: binary.path, version: binary.version },
    problems,
  };
  output.one(record, () =>
    [
      `settings: ${sources.file === undefined ? "no file" : sources.file.path}: good`,
      `containerd: ${binary.path} ${binary.version}: ${
        ok ? "takes its configuration" : "does not take its configuration"
      }`,
      ...problems.map(problemText),
    ].join("\n"));
  return ok ? 0 : 1;
}

function problemText({ kind, message, hint }: ConfigProblem): string {
  const words = { error: "error", unknown_key: "unknown key", warning: "warning" } as const;
  return `${words[kind]}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
}
