import { type ErrorCode, GantryError } from "../base/errors.ts";

/**
 * What shims say with the class "unknown", and what it means: the first that matches counts. They come from the states of
 * containerd's runc shim (process/init_state.go, exec_state.go), 1.6 to 2.1, and from runc and crun, whose words they carry.
 */
const meanings: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [
    /\bcannot (start|pause|resume|exec|delete|checkpoint|resize|update|create|restore|close)\b.*\b(created|running|paused|stopped|deleted)\b/i,
    "failed_precondition",
  ],
  [/\bcannot (exec|update|checkpoint|pause|resume)\b.*\b(state|has stopped|not running)\b/i, "failed_precondition"],
  [/\b(container|process|task) (is )?not (running|created|paused|started)\b/i, "failed_precondition"],
  [/\bcontainer (is )?(not paused|already paused|stopped)\b/i, "failed_precondition"],
  [/\bno running task\b/i, "failed_precondition"],
  [/\b(already exists|already in use|id already)\b/i, "already_exists"],
  [/\b(process already finished|no such process|container does not exist|does not exist)\b.*$/i, "not_found"],
];

/**
 * The failure of a call as containerd's Tasks service would report it: with a class, where the shim only has words. Its
 * words stay: what runc said is in them.
 */
export function shimFailure(error: unknown): unknown {
  if (!(error instanceof GantryError) || error.code !== "unknown") return error;
  const found = meanings.find(([pattern]) => pattern.test(error.message));
  return found === undefined ? error : new GantryError(found[1], error.message, { cause: error });
}
