import type { ErrorCode } from "../base/errors.ts";

/** gRPC's and ttrpc's status codes by number (google/rpc/code.proto); 0 is success. */
const codes: readonly (ErrorCode | "ok")[] = [
  "ok",
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
];

/** The error class of a status number; `unknown` for numbers nobody has defined. */
export function errorCodeOf(status: number): ErrorCode {
  const code = codes[status];
  return code === undefined || code === "ok" ? "unknown" : code;
}

/** The status number of an error class. */
export function statusOf(code: ErrorCode): number {
  return codes.indexOf(code);
}
