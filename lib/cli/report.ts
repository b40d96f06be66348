/** How a failure is told: on stderr, as two lines for people or one JSON object for programs, and as an exit code. */
import { type ErrorCode, GantryError, messageOf, toGantryError } from "../base/errors.ts";
import { escapeControl } from "./escape.ts";
import type { TextSink } from "./context.ts";

/** The tool itself failed: docker's convention, so that the codes of a container's process stay apart. */
export const ownFailure = 125;

/** The reader of our output has gone: what a shell reports of a program that SIGPIPE ended. */
export const outputGone = 141;

/** Errors after which nothing was done at all: the request was wrong, or nobody was there to answer it. */
const ownFailures: readonly ErrorCode[] = ["invalid_argument", "unavailable", "unauthenticated"];

/** The exit code for `error` when a failed operation counts as `failureCode`. Anything but a GantryError is a defect: 125. */
export function exitCodeOf(error: unknown, failureCode: 1 | 125 = 1): number {
  if (error instanceof GantryError && !ownFailures.includes(error.code)) return failureCode;
  return ownFailure;
}

/** How to tell it. */
export interface ReportOptions {
  /** One line of JSON in place of text. */
  readonly json: boolean;
  /** Adds the stack and the causes. */
  readonly debug: boolean;
}

/** Tells `error` on `stderr`. */
export function reportError(error: unknown, stderr: TextSink, { json, debug }: ReportOptions): void {
  const { code, message, hint } = toGantryError(error);
  if (json) {
    const stack = debug ? { stack: Deno.inspect(error, { colors: false }) } : {};
    stderr.write(`${JSON.stringify({ code, message, ...(hint === undefined ? {} : { hint }), ...stack })}\n`);
    return;
  }
  const lines = [`gantry: ${message}`, ...(hint === undefined ? [] : [`hint: ${hint}`])];
  if (debug) lines.push(Deno.inspect(error, { colors: false }));
  else if (!(error instanceof GantryError)) {
    lines.push("hint: this is a defect of gantry; --debug shows where it happened");
  }
  stderr.write(`${safe(lines.join("\n"), stderr)}\n`);
}

/** Tells what is odd but does not stop anything. */
export function reportWarning(error: unknown, stderr: TextSink, { json }: Pick<ReportOptions, "json">): void {
  const message = messageOf(error);
  stderr.write(json ? `${JSON.stringify({ warning: message })}\n` : `${safe(`gantry: warning: ${message}`, stderr)}\n`);
}

function safe(text: string, sink: TextSink): string {
  return sink.isTerminal ? escapeControl(text) : text;
}
