import { lastLogLines } from "./log_file.ts";
import type { EndReason } from "./machine.ts";
import type { InstancePaths } from "./paths.ts";

/** Lines of containerd's log in a report. */
const shownLines = 15;

/**
 * Why containerd does not run, for people: what happened, where its configuration is, and its last words since
 * `logStart`.
 */
export function failureReport(
  end: Exclude<EndReason, { readonly reason: "stopped" }>,
  { paths, logStart }: { readonly paths: InstancePaths; readonly logStart: number },
): string {
  const lines = lastLogLines(paths.log, { count: shownLines, from: logStart });
  return [
    end.reason === "start_failed" ? `containerd did not start: ${end.why}` : `containerd keeps failing: ${end.why}`,
    `its configuration: ${paths.config}`,
    ...(lines.length === 0
      ? [`its log: ${paths.log} (nothing was written)`]
      : [`its log: ${paths.log}, last lines:`, ...lines.map((line) => `  ${line}`)]),
  ].join("\n");
}
