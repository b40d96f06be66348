import { GantryError } from "../../base/errors.ts";
import { knownFailures } from "./criu_hints.ts";

/** What CRIU wrote about a dump or restore that failed. */
export interface CriuFailure {
  /** One line: the cause as CRIU put it, or the runtime's message when CRIU wrote none. */
  readonly summary: string;
  /** CRIU's last error lines, oldest first, without time stamps; its usual noise left out. */
  readonly lines: readonly string[];
  /** The log they are from; it stays for whoever wants all of it. Undefined when there is none. */
  readonly log?: string | undefined;
  /** What to do about it, when gantry knows. */
  readonly hint?: string | undefined;
}

/** Options of {@link explainCriuFailure}. */
export interface ExplainOptions {
  /** CRIU's work directory, where it writes `dump.log` or `restore.log`. */
  readonly workDir: string;
  /** The bundle, where a shim copies the log to when the work directory was its own. */
  readonly bundle?: string | undefined;
  /** What the runtime said. */
  readonly message: string;
}

/** A line `(00.123456)    9: Error (criu/files.c:12): text`; children of CRIU write without the time. */
const errorLine = /^(?:\([\d.]+\)\s+)?(?:\d+:\s+)?Error \([^()]*:\d+\): (.*)$/;
/** In the log of every dump in a container host, also of those that work. */
const noise = /Can't setup RLIMIT_NOFILE|cgroupd: recv req error/;
/** Says that something failed, which is known; the cause is above it. */
const consequence =
  /FAILED\.$|^Dump files \(pid|^Dump core|exited, status=\d+|killed by signal|Unable to open fd=\d|Can't send file descriptor/;
/** What is read of a log: its errors are at the end, and a log of a big container has hundreds of megabytes. */
const tailBytes = 256 << 10;
const mostLines = 8;
const longestLine = 500;

/**
 * Finds out from CRIU's log why it failed. Reads only the end of the log, and never fails itself: without a log it has
 * the runtime's message.
 */
export async function explainCriuFailure(options: ExplainOptions): Promise<CriuFailure> {
  const { workDir, bundle, message } = options;
  const found = await newestLog(
    [`${workDir}/dump.log`, `${workDir}/restore.log`].concat(
      bundle === undefined
        ? []
        : ["criu-dump.log", "criu-restore.log", "work/restore.log"].map((name) => `${bundle}/${name}`),
    ),
  );
  const errors = found === undefined ? [] : errorsOf(found.text);
  const causes = errors.filter((line) => !consequence.test(line));
  const texts = errors.length === 0 ? [message] : [...causes, message];
  const known = knownFailures.find(({ pattern }) => texts.some((text) => pattern.test(text)));
  const matched = known === undefined ? undefined : texts.find((text) => known.pattern.test(text));
  return {
    summary: shortened(matched ?? causes[0] ?? errors[0] ?? firstLine(message)),
    lines: errors.slice(-mostLines),
    log: found?.path,
    hint: known?.hint,
  };
}

/** The failure as an error: `attempt` completes "cannot …", e.g. `checkpoint web`. */
export function criuError(failure: CriuFailure, attempt: string, cause?: unknown): GantryError {
  const { summary, lines, log, hint } = failure;
  const rest = lines.filter((line) => line !== summary);
  const parts = [`cannot ${attempt}: ${summary}`, ...rest.map((line) => `  criu: ${line}`)];
  if (log !== undefined) parts.push(`  log: ${log}`);
  return new GantryError("failed_precondition", parts.join("\n"), { hint, cause });
}

/** The error lines of a log in order, each once. */
function errorsOf(text: string): readonly string[] {
  const lines = text.split("\n").flatMap((line) => {
    const error = errorLine.exec(line)?.[1]?.trim();
    return error === undefined || noise.test(error) ? [] : [shortened(error)];
  });
  return [...new Set(lines)];
}

/** The end of the log that was written last: a work directory that is used again may hold an older one. */
async function newestLog(
  paths: readonly string[],
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  let newest: { readonly path: string; readonly time: number } | undefined;
  for (const path of paths) {
    const info = await Deno.lstat(path).catch(() => undefined);
    if (!info?.isFile) continue;
    const time = info.mtime?.getTime() ?? 0;
    if (newest === undefined || time > newest.time) newest = { path, time };
  }
  if (newest === undefined) return undefined;
  const text = await endOf(newest.path).catch(() => undefined);
  return text === undefined ? undefined : { path: newest.path, text };
}

async function endOf(path: string): Promise<string> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const start = Math.max(0, size - tailBytes);
  await file.seek(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(Math.min(size, tailBytes));
  let filled = 0;
  while (filled < bytes.length) {
    const length = await file.read(bytes.subarray(filled));
    if (length === null) break;
    filled += length;
  }
  const text = new TextDecoder().decode(bytes.subarray(0, filled));
  // The first line is cut when the start of the file was left out.
  return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.trim() || "CRIU failed and left no log";
}

function shortened(line: string): string {
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
}
