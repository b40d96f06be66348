/** The log of `gantry up`, which is its stderr. */
import { type LogLimits, rotateOpenLog } from "../supervisor/log_file.ts";
import type { TextSink } from "./context.ts";

/**
 * Writes lines to `stderr`. When that is a file (`up --detach` and careful operators put one there), it is kept within
 * the limits of containerd's own log, whose lines it repeats.
 */
export function boundedLog(
  stderr: TextSink,
  limits: LogLimits,
  descriptor = "/proc/self/fd/2",
): (line: string) => void {
  const path = regularFile(descriptor);
  let size = path === undefined ? 0 : Deno.statSync(path).size;
  return (line) => {
    stderr.write(`${line}\n`);
    if (path === undefined) return;
    size += line.length + 1;
    if (size < limits.maxBytes) return;
    try {
      rotateOpenLog(path, limits);
      size = 0;
    } catch {
      // Removed or replaced by somebody else: then it is theirs to bound. Asked again after as much has been written.
      size = 0;
    }
  };
}

function regularFile(descriptor: string): string | undefined {
  try {
    const path = Deno.readLinkSync(descriptor);
    return path.startsWith("/") && Deno.lstatSync(path).isFile ? path : undefined;
  } catch {
    return undefined;
  }
}
