import { GantryError } from "../../base/errors.ts";
import { signalNumber } from "../../base/signals.ts";
import { assertName } from "../../wire/identifier.ts";
import type { ContainerOptions } from "../container_options.ts";
import { assertLabels } from "./labels.ts";

/** HOST_NAME_MAX of Linux. */
const maxHostname = 64;

/** Throws `invalid_argument` for what would otherwise fail late, half-done, or with a runtime's words. */
export function assertOptions(options: ContainerOptions): void {
  if (options.name !== undefined) assertName(options.name);
  assertLabels(options.labels);
  if (options.hostname !== undefined) assertHostname(options.hostname);
  if (options.stopSignal !== undefined) assertStopSignal(options.stopSignal);
  if (options.stopTimeout !== undefined) assertStopTimeout(options.stopTimeout);
  if (options.timeoutMs !== undefined) assertTimeout(options.timeoutMs);
  assertAnnotations(options.annotations ?? {});
  assertProgram({ ...options, command: [options.entrypoint ?? "", ...options.command] });
}

/** Throws `invalid_argument` for arguments, variables or a working directory that no process can have. */
export function assertProgram(options: Pick<ContainerOptions, "command" | "env" | "cwd">): void {
  if (options.cwd !== undefined) assertCwd(options.cwd);
  for (const argument of options.command) assertNoNul(argument, "the command");
  for (const entry of options.env) assertEnv(entry);
}

function assertAnnotations(annotations: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(annotations)) {
    if (key === "") throw new GantryError("invalid_argument", "--annotation has no key", { hint: "write KEY=VALUE" });
    assertNoNul(key + value, "an annotation");
  }
}

function assertHostname(hostname: string): void {
  const isPrintable = /^[!-.0-~]+$/.test(hostname);
  if (isPrintable && hostname.length <= maxHostname) return;
  throw new GantryError("invalid_argument", `--hostname ${JSON.stringify(hostname.slice(0, 80))} is not a host name`, {
    hint: `1 to ${maxHostname} printable characters without spaces or slashes`,
  });
}

function assertCwd(cwd: string): void {
  assertNoNul(cwd, "--workdir");
  if (cwd.startsWith("/")) return;
  throw new GantryError("invalid_argument", `--workdir ${JSON.stringify(cwd)} is not absolute`, {
    hint: "give a path inside the container that begins with /",
  });
}

function assertStopSignal(signal: string): void {
  try {
    signalNumber(signal);
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    throw new GantryError(error.code, `--stop-signal: ${error.message}`, { hint: error.hint, cause: error });
  }
}

function assertStopTimeout(seconds: number): void {
  if (seconds === -1 || seconds >= 0) return;
  throw new GantryError("invalid_argument", `--stop-timeout ${seconds} is not a number of seconds`, {
    hint: "give 0 or more, or -1 to wait for ever",
  });
}

function assertTimeout(ms: number): void {
  if (Number.isFinite(ms) && ms >= 0) return;
  throw new GantryError("invalid_argument", `--timeout: ${ms} ms is not a time to run`, {
    hint: "give more than 0, or 0 for no limit",
  });
}

/** The value is not in the message: it may be a secret. */
function assertEnv(entry: string): void {
  const equals = entry.indexOf("=");
  if (equals > 0 && !entry.includes("\0")) return;
  const shown = equals > 0 ? `variable ${JSON.stringify(entry.slice(0, Math.min(equals, 40)))}` : "a variable";
  throw new GantryError("invalid_argument", `the environment has ${shown} that is not NAME=VALUE`, {
    hint: "a name is needed, and no NUL",
  });
}

function assertNoNul(text: string, what: string): void {
  if (!text.includes("\0")) return;
  throw new GantryError("invalid_argument", `${what} contains a NUL`, { hint: "no path or argument can hold one" });
}
