import type { Clock } from "../base/clock.ts";
import type { CallOptions } from "../rpc/transport.ts";
import type { ExitStatus } from "../wire/task.ts";
import type { ForceDeleteOptions } from "./force_delete.ts";
import type { KillRequest, ProcessRef, ProcessState, TaskApi, TerminalSize } from "./task_api.ts";
import { type WaitOptions, waitThroughOutages } from "./wait.ts";

/** What processes are made with: who runs them, and the time. */
export interface ProcessContext {
  readonly tasks: TaskApi;
  readonly clock: Clock;
  /** See {@link ForceDeleteOptions.endShim}. */
  readonly endShim?: ForceDeleteOptions["endShim"];
}

/** A process of a container: its first one (see `Task`), or an exec in it. Holds nothing; every method asks the runtime. */
export class Process {
  /** Which one. */
  readonly ref: ProcessRef;
  protected readonly context: ProcessContext;

  constructor(ref: ProcessRef, context: ProcessContext) {
    this.ref = ref;
    this.context = context;
  }

  /** Runs what was made. */
  async start(options?: CallOptions): Promise<{ readonly pid: number }> {
    return await this.context.tasks.start(this.ref, options);
  }

  /** What it is doing. */
  async state(options?: CallOptions): Promise<ProcessState> {
    return await this.context.tasks.state(this.ref, options);
  }

  /** Resolves when it ends, across restarts of the runtime. The call is on the wire before this returns. */
  async wait(options: Omit<WaitOptions, "clock"> = {}): Promise<ExitStatus> {
    return await waitThroughOutages(this.context.tasks, this.ref, { ...options, clock: this.context.clock });
  }

  /** Sends it a signal. */
  async kill(request: KillRequest, options?: CallOptions): Promise<void> {
    await this.context.tasks.kill(this.ref, request, options);
  }

  /** Tells its terminal the size. */
  async resizePty(size: TerminalSize, options?: CallOptions): Promise<void> {
    await this.context.tasks.resizePty(this.ref, size, options);
  }

  /** Says that no more stdin comes. */
  async closeStdin(options?: CallOptions): Promise<void> {
    await this.context.tasks.closeStdin(this.ref, options);
  }

  /** Frees it once it has ended. */
  async delete(options?: CallOptions): Promise<ExitStatus> {
    return await this.context.tasks.delete(this.ref, options);
  }
}
