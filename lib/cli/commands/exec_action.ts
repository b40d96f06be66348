import type { Engine } from "../../engine/engine.ts";
import type { ExecRunRequest } from "../../engine/exec_making.ts";
import { runExecDetached } from "../../engine/run_exec.ts";
import { attendedExec } from "../attended_exec.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import { attend } from "../foreground.ts";
import { reportWarning } from "../report.ts";
import { tellStartFailure } from "../start_code.ts";
import { assertTerminal, terminalSize } from "../terminal.ts";
import { environment } from "./container_options.ts";
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
    return tellStartFailure(error, context);
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
  if (tty && interactive && !flags.detach) assertTerminal("leave out -t, or run gantry in a terminal");
  return {
    name,
    command,
    env: await environment(flags.envFile, flags.env),
    cwd: workdir,
    user,
    tty,
    consoleSize: tty ? terminalSize() : undefined,
    privileged,
  };
}
