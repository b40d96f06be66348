import { type Clock, systemClock } from "./clock.ts";
import { type LogLevel, setLogWriter } from "./log.ts";
import { formatJson, formatText } from "./log_format.ts";

/** Options of {@link configureLog}. */
export interface LogConfig {
  /** The least level that is written. */
  readonly level: LogLevel;
  /** `text`: a line for people; `json`: an object a line. */
  readonly format: "text" | "json";
  /** Takes each finished line, without its line end. */
  readonly write: (line: string) => void;
  /** Default the real clock. */
  readonly clock?: Clock | undefined;
}

/** The category in LogTape above all of gantry's. */
const root = "gantry";

/**
 * Switches logging on: loads LogTape and sends every record of the given level and above through it to `write`. A later
 * call changes the settings. It replaces LogTape's configuration of the whole program, so it is for the executable; a
 * program that uses the library and has its own logging calls `setLogWriter` instead.
 *
 * text: `2026-11-22T18:37:01.123Z INF supervisor: message key=value`
 * json: `{"time":"2026-11-22T18:37:01.123Z","level":"info","logger":"supervisor","message":"message","key":"value"}`
 */
export async function configureLog(config: LogConfig): Promise<void> {
  const { level: lowestLevel, format, write, clock = systemClock } = config;
  // Here and not above: a command that logs nothing saves the 10 ms of loading it.
  const { configure, getLogger } = await import("@logtape/logtape");
  const render = format === "json" ? formatJson : formatText;
  await configure({
    reset: true,
    sinks: {
      line: (record) =>
        write(render({
          time: record.timestamp,
          level: record.level,
          logger: record.category.slice(1).join("."),
          message: String(record.rawMessage),
          fields: record.properties,
        })),
    },
    loggers: [
      { category: root, sinks: ["line"], lowestLevel },
      // LogTape's own complaints. With no sink named it would print them itself, and only lib/cli prints.
      { category: ["logtape", "meta"], sinks: ["line"], lowestLevel: "error" },
    ],
  });
  setLogWriter((category, level, message, fields) => {
    // Not logger.info(): that takes braces in the message for placeholders.
    getLogger([root, category]).emit({
      timestamp: clock.now(),
      level,
      message: [message],
      rawMessage: message,
      properties: { ...fields },
    });
  });
}

/** Switches logging off again and lets LogTape forget its configuration. */
export async function resetLog(): Promise<void> {
  setLogWriter(undefined);
  const { reset } = await import("@logtape/logtape");
  await reset();
}
