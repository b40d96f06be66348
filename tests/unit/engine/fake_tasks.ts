import { GantryError } from "../../../lib/base/errors.ts";
import type { EndingCalls } from "../../../lib/engine/force_delete.ts";
import type { KillRequest, ProcessRef, ProcessState } from "../../../lib/engine/task_api.ts";
import type { ExitStatus, TaskStatus } from "../../../lib/wire/task.ts";

/** A task that does what a shim's does, as far as its end goes; a call can be made to fail. */
export class FakeTask implements EndingCalls {
  status: TaskStatus;
  /** Calls in order, e.g. `kill 9 all`. */
  readonly calls: string[] = [];
  /** What a call fails with, once each, by its name. */
  readonly failures = new Map<string, GantryError[]>();
  readonly #ended = Promise.withResolvers<ExitStatus>();
  #gone = false;
  #pending = false;

  constructor(status: TaskStatus) {
    this.status = status;
  }

  create(): Promise<{ readonly pid: number }> {
    return Promise.reject(new TypeError("not asked for here"));
  }

  start(): Promise<{ readonly pid: number }> {
    return this.create();
  }

  list(): Promise<readonly ProcessState[]> {
    return Promise.resolve([]);
  }

  async state(process: ProcessRef): Promise<ProcessState> {
    await this.#answer("state");
    const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
    return { ...process, pid: 1, status: this.status, stdio };
  }

  async wait(): Promise<ExitStatus> {
    await this.#answer("wait");
    return await this.#ended.promise;
  }

  async kill(_: ProcessRef, { signal, all }: KillRequest): Promise<void> {
    await this.#answer(`kill ${signal}${all === true ? " all" : ""}`);
    // On cgroup v1 a frozen process dies when it is thawed.
    if (this.status === "paused") this.#pending = true;
    else this.#end();
  }

  async resume(): Promise<void> {
    await this.#answer("resume");
    this.status = "running";
    if (this.#pending) this.#end();
  }

  resizePty(): Promise<void> {
    return this.#answer("resize");
  }

  closeStdin(): Promise<void> {
    return this.#answer("close stdin");
  }

  async delete(): Promise<ExitStatus> {
    await this.#answer("delete");
    if (this.status !== "stopped") throw new GantryError("failed_precondition", "cannot delete a running process");
    this.#gone = true;
    return await this.#ended.promise;
  }

  /** It is as if it had never been. */
  vanish(): void {
    this.#gone = true;
  }

  /** Ends it from outside. */
  end(): void {
    this.#end();
  }

  #end(): void {
    this.status = "stopped";
    this.#ended.resolve({ code: 137, exitedAt: 1, exact: true });
  }

  #answer(call: string): Promise<void> {
    this.calls.push(call);
    if (this.#gone) return Promise.reject(new GantryError("not_found", "no such task"));
    const failure = this.failures.get(call.split(" ")[0] ?? "")?.shift();
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  }
}
