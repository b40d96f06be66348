import { GantryError } from "../../base/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import type { ExecRunRequest } from "../../engine/exec_making.ts";
import { runExecDetached } from "../../engine/run_exec.ts";
import { parseEnvFlag, readEnvFile } from "../../engine/spec/env.ts";
import { startFailureOf } from "../../engine/start_failure.ts";
import { attendedExec } from "../attended_exec.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import { attend } from "../foreground.ts";
import { reportError, reportWarning } from "../report.ts";
import { terminalSize } from "../terminal.ts";
import type { execFlags } from "./exec.ts";

type ExecFlags = ValuesOf<typeof execFlags>;

/** Runs a program in a container and resolves to its exit code. */
export async function run({ flags, args }: Invocation<ExecFlags>, context: CliContext): Promise<number> {
  const [reference = "", ...rest] = args;
  const request = await requestOf(flags, { name: reference, command: rest[0] === "--" ? rest.slice(1) : rest });
  await using engine = await openEngine(context);
  const id = await engine.resolve(reference);
  try {
    if (flags.detach) return await detach(engine, id, { request, context });
    return await attend(attendedExec(engine, id, { request, context }), { ...flags, context });
  } catch (error) {
    const failure = startFailureOf(error);
    if (failure === undefined) throw error;
    reportError(error, context.stderr, { json: context.json, debug: context.settings.debug });
    return failure === "command_not_found" ? 127 : 126;
  }
}

async function detach(
  engine: Engine,
  id: string,
  { request, context }: { readonly request: ExecRunRequest; readonly context: CliContext },
): Promise<number> {
  const onWarning = (warning: string): void => reportWarning(warning, context.stderr, context);
  const { execId } = await runExecDetached(engine, id, request, {
    signal: context.signal,
    clock: context.clock,
    onWarning,
  });
  context.output.line(execId, "id");
  return 0;
}

async function requestOf(
  flags: ExecFlags,
  { name, command }: { readonly name: string; readonly command: readonly string[] },
): Promise<ExecRunRequest> {
  const { tty, interactive, user, workdir, privileged } = flags;
  if (tty && interactive && !flags.detach && !Deno.stdin.isTerminal()) {
    throw new GantryError("invalid_argument", "stdin is no terminal", {
      hint: "leave out -t, or run gantry in a terminal",
    });
  }
  const fromFiles: string[] = [];
  for (const file of flags.envFile) fromFiles.push(...await readEnvFile(file));
  const fromFlags = flags.env.map((text) => parseEnvFlag(text)).filter((entry) => entry !== undefined);
  return {
    name,
    command,
    // -e wins over the files, as in docker.
    env: [...fromFiles, ...fromFlags],
    cwd: workdir,
    user,
    tty,
    consoleSize: tty ? terminalSize() : undefined,
    privileged,
  };
}
