import { writeFileAtomic } from "../base/atomic_file.ts";
import { messageOf } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { type StatusRecord, statusText } from "./status.ts";

const log = getLogger("supervisor");

/**
 * Writes the status file, one write at a time, always the newest record: a restart must not wait for the disk. A disk
 * that is full costs the others the news and us nothing; it is one warning until a write succeeds again.
 */
export class StatusWriter {
  readonly #path: string;
  #next: StatusRecord | undefined;
  #writing: Promise<void> | undefined;
  #failed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Writes `record` soon, unless a newer one comes first. */
  write(record: StatusRecord): void {
    this.#next = record;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when the newest record has been written, or could not be. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#next !== undefined) {
      const record = this.#next;
      this.#next = undefined;
      try {
        await writeFileAtomic(this.#path, statusText(record));
        this.#failed = false;
      } catch (error) {
        if (!this.#failed) log.warning("cannot write the status", { path: this.#path, error: messageOf(error) });
        this.#failed = true;
      }
    }
    this.#writing = undefined;
  }
}
