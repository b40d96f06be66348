import { GantryError } from "../../../lib/base/errors.ts";
import type { ContainerRecord } from "../../../lib/wire/container_record.ts";
import type { StoppingVerbs } from "../../../lib/engine/stop_container.ts";
import type { KillRequest, ProcessRef, ProcessState } from "../../../lib/engine/task_api.ts";
import type { ExitStatus, TaskStatus } from "../../../lib/wire/task.ts";

const SIGKILL = 9;

/** A container whose verbs answer at once, and that is deaf to all but KILL unless told otherwise. */
export class FakeLife implements StoppingVerbs {
  labels: Readonly<Record<string, string>> = {};
  /** Undefined without a task. */
  status: TaskStatus | undefined;
  exit: ExitStatus | undefined;
  /** False when there is no such container. */
  stored = true;
  /** Signals that end it. */
  readonly mortal = new Set([SIGKILL]);
  /** Calls in order, e.g. `kill 15`. */
  readonly calls: string[] = [];
  /** What the next call of a verb fails with. */
  readonly failures = new Map<string, GantryError>();
  readonly #ended = Promise.withResolvers<ExitStatus>();
  #pending: number | undefined;

  constructor(status?: TaskStatus) {
    this.status = status;
  }

  async record(id: string): Promise<ContainerRecord> {
    await this.#answer("record", this.stored);
    const { labels } = this;
    return { id, labels, image: "", runtime: "io.containerd.runc.v2", spec: undefined, createdAt: 0 };
  }

  async state(process: ProcessRef): Promise<ProcessState> {
    await this.#answer("state", this.status !== undefined);
    const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
    return { ...process, pid: 1, status: this.status ?? "unknown", stdio, exit: this.exit };
  }

  async wait(_: ProcessRef, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<ExitStatus> {
    await this.#answer("wait", this.status !== undefined);
    const cut = new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => reject(new GantryError("cancelled", "cut off")), { once: true });
    });
    return await Promise.race([this.#ended.promise, cut]);
  }

  async kill(_: ProcessRef, { signal, all }: KillRequest): Promise<void> {
    await this.#answer(`kill ${signal}${all === true ? " all" : ""}`, this.status !== undefined);
    if (!this.mortal.has(signal)) return;
    if (this.status === "paused") this.#pending = 128 + signal;
    else this.end(128 + signal);
  }

  async resume(): Promise<void> {
    await this.#answer("resume", this.status !== undefined);
    if (this.status !== "paused") throw new GantryError("unknown", "cannot resume a stopped container");
    this.status = "running";
    if (this.#pending !== undefined) this.end(this.#pending);
  }

  /** Ends it. */
  end(code: number): void {
    this.status = "stopped";
    this.exit = { code, exitedAt: 1000, exact: true };
    this.#ended.resolve(this.exit);
  }

  /** Removes it, with its record. */
  vanish(): void {
    this.status = undefined;
    this.stored = false;
  }

  #answer(call: string, isThere: boolean): Promise<void> {
    this.calls.push(call);
    const verb = call.split(" ")[0] ?? "";
    const failure = this.failures.get(verb);
    this.failures.delete(verb);
    if (failure !== undefined) return Promise.reject(failure);
    return isThere ? Promise.resolve() : Promise.reject(new GantryError("not_found", `no such thing to ${verb}`));
  }
}
