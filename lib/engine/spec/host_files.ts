import { systemError } from "../../base/errno.ts";
import { GantryError } from "../../base/errors.ts";

/** Files of /proc and /sys, of which some exist only on some kernels. Synchronous: the kernel answers from memory. */
export class HostFiles {
  readonly #root: string;

  /** `root` is a directory that stands for `/`; empty for the host itself. */
  constructor(root: string) {
    this.#root = root;
  }

  /** The text of a file that every host has; without it `failed_precondition`. */
  need(path: string): string {
    const text = this.read(path);
    if (text !== undefined) return text;
    throw new GantryError("failed_precondition", `${this.#root}${path} is missing`, { hint: "is /proc mounted?" });
  }

  /** The text of a file; undefined when it is absent. */
  read(path: string): string | undefined {
    return this.#unlessAbsent(path, Deno.readTextFileSync);
  }

  /** True when there is something at `path`. */
  has(path: string): boolean {
    return this.#unlessAbsent(path, Deno.statSync) !== undefined;
  }

  /** Names of the directories in a directory; none when it is absent. */
  directories(path: string): readonly string[] {
    const entries = this.#unlessAbsent(path, (full) => [...Deno.readDirSync(full)]) ?? [];
    return entries.filter((entry) => entry.isDirectory).map((entry) => entry.name);
  }

  #unlessAbsent<T>(path: string, look: (path: string) => T): T | undefined {
    try {
      return look(`${this.#root}${path}`);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw systemError(error, `read ${this.#root}${path}`);
    }
  }
}

/** Gone, or hidden by a container or a security module around us: for gantry that is the same. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.PermissionDenied;
}
