import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";

const path = "/proc/meminfo";

/** Memory of this host in bytes: what a container without a limit can use at most. */
export function hostMemory(): number {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw systemError(error, `read ${path}`);
  }
  return parseHostMemory(text);
}

/** The line MemTotal of /proc/meminfo, in bytes; `data_loss` without one. */
export function parseHostMemory(text: string): number {
  const kibibytes = /^MemTotal:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kibibytes === undefined) throw new GantryError("data_loss", `${path} has no line MemTotal`);
  return Number(kibibytes) * 1024;
}
