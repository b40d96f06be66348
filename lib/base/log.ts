/**
 * Logging for the library and the daemon. A program that does not call {@link configureLog} logs nothing and never loads
 * LogTape, which costs a command 10 ms of start-up; the calls below are then free.
 */
export type LogLevel = "trace" | "debug" | "info" | "warning" | "error" | "fatal";

/** Levels from the most to the least talkative. */
export const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "fatal"];

/** Structured fields beside a message; values are JSON-like. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Says things about one part of gantry. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Says it at a level known only at run time. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** Where records go once logging is configured. */
export type LogWriter = (category: string, level: LogLevel, message: string, fields: LogFields) => void;

let writer: LogWriter | undefined;

/** Sends every record to `next`; undefined switches logging off. Used by `log_sink.ts` and by tests. */
export function setLogWriter(next: LogWriter | undefined): void {
  writer = next;
}

/** The logger of one part, named after its folder or file, e.g. `supervisor`. */
export function getLogger(category: string): Logger {
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    writer?.(category, level, message, fields);
  };
  return {
    log,
    trace: (message, fields) => log("trace", message, fields),
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warning: (message, fields) => log("warning", message, fields),
    error: (message, fields) => log("error", message, fields),
  };
}
