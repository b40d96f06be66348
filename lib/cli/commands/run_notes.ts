import { removeIfExists, writeFileAtomic } from "../../base/atomic_file.ts";
import { GantryError } from "../../base/errors.ts";

/** Where the user wants id and pid of a container written down. */
export interface NotePaths {
  readonly cidfile?: string | undefined;
  readonly pidfile?: string | undefined;
}

/**
 * The files of --cidfile and --pidfile. They are there before the container runs, and disposing removes them again unless
 * it did run.
 */
export class RunNotes implements AsyncDisposable {
  readonly #paths: NotePaths;
  readonly #written: string[] = [];
  #kept = false;

  /** Refuses a cidfile that exists: it may be the only note of another container. */
  static async open(paths: NotePaths): Promise<RunNotes> {
    const { cidfile } = paths;
    if (cidfile !== undefined && await Deno.lstat(cidfile).then(() => true, () => false)) {
      throw new GantryError("invalid_argument", `--cidfile ${cidfile} exists already`, {
        hint: "remove it if no container of yours uses it, or name another file",
      });
    }
    return new RunNotes(paths);
  }

  private constructor(paths: NotePaths) {
    this.#paths = paths;
  }

  /** Writes them. */
  async write(id: string, pid: number): Promise<void> {
    const { cidfile, pidfile } = this.#paths;
    if (cidfile !== undefined) await this.#write(cidfile, id);
    if (pidfile !== undefined) await this.#write(pidfile, `${pid}\n`);
  }

  /** The container runs: they stay. */
  keep(): void {
    this.#kept = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#kept) return;
    // They name a container that does not exist; the error that led here is the one to report.
    for (const path of this.#written) await removeIfExists(path).catch(() => false);
  }

  async #write(path: string, text: string): Promise<void> {
    await writeFileAtomic(path, text, { mode: 0o644 });
    this.#written.push(path);
  }
}
