/**
 * The one error of gantry. Its codes are containerd's error classes (which are gRPC's), so an error keeps its meaning
 * from a shim's reply to the exit code of the command.
 */
export type ErrorCode =
  | "aborted"
  | "already_exists"
  | "cancelled"
  | "data_loss"
  | "deadline_exceeded"
  | "failed_precondition"
  | "internal"
  | "invalid_argument"
  | "not_found"
  | "out_of_range"
  | "permission_denied"
  | "resource_exhausted"
  | "unauthenticated"
  | "unavailable"
  | "unimplemented"
  | "unknown";

/** What a {@link GantryError} carries beside its code and message. */
export interface ErrorDetails {
  /** What to do about it, in one sentence an operator can act on. */
  readonly hint?: string | undefined;
  /** The error that caused this one. */
  readonly cause?: unknown;
}

/** A failure with a code. The message names the thing and the value; the hint says the way out. */
export class GantryError extends Error {
  /** `GantryError`. */
  override readonly name = "GantryError";
  /** The class of the failure. */
  readonly code: ErrorCode;
  /** What to do about it, when there is something to do. */
  readonly hint: string | undefined;

  /** The message names the thing and the value. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** True when `error` is a {@link GantryError} of the given code. */
export function isCode(error: unknown, code: ErrorCode): error is GantryError {
  return error instanceof GantryError && error.code === code;
}

/** The message of anything that can be thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `error` itself when it is a {@link GantryError}; otherwise one of code `unknown` (`cancelled` for an abort) around it. */
export function toGantryError(error: unknown): GantryError {
  if (error instanceof GantryError) return error;
  if (error instanceof DOMException && error.name === "AbortError") {
    return new GantryError("cancelled", error.message, { cause: error });
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new GantryError("deadline_exceeded", error.message, { cause: error });
  }
  return new GantryError("unknown", messageOf(error), { cause: error });
}
