import { type Clock, systemClock } from "../base/clock.ts";
import { isCode } from "../base/errors.ts";
import { type ProcessIdentity, readIdentity, waitForEnd } from "../base/proc.ts";
import type { DetachedChild } from "../base/spawn_detached.ts";
import { untilAborted } from "../base/until_aborted.ts";
import type { CallOptions, Method } from "../rpc/transport.ts";
import { connectTtrpc, type TtrpcClient } from "../rpc/ttrpc_transport.ts";
import type { Bundle } from "./bundle.ts";
import type { ShimAddress } from "./bundle_address.ts";
import { type TaskMethods, taskMethods } from "./task_methods.ts";

/** Where a shim listens whose generation may not be known yet. */
export interface ShimPlace {
  /** Path of the unix socket. */
  readonly path: string;
  /** Default: found out. */
  readonly service?: ShimAddress["service"] | undefined;
}

/** Options of {@link connectShim}. */
export interface ConnectShimOptions {
  /** How long the shim may take to accept and to say who it is, milliseconds; default 5000, a healthy one takes one. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The shim, when it is a child of this process. */
  readonly child?: DetachedChild | undefined;
}

const answerMs = 5000;

/**
 * Connects to the shim of a bundle. `unavailable` when it cannot be reached, `deadline_exceeded` when it does not answer:
 * only the former can prove its death (`isNobodyListening`).
 */
export async function connectShim(bundle: Bundle, place: ShimPlace, options: ConnectShimOptions = {}): Promise<Shim> {
  const { deadlineMs = answerMs, signal, child } = options;
  const client = await connectTtrpc(place.path, { deadlineMs, signal });
  try {
    const call = { namespace: bundle.namespace, deadlineMs, signal };
    const { service, shimPid, taskPid } = await introduce(client, { id: bundle.id, service: place.service }, call);
    const process = shimPid === 0 ? undefined : await readIdentity(shimPid);
    const { namespace } = bundle;
    return new Shim(client, { address: { path: place.path, service }, namespace, process, taskPid, child });
  } catch (error) {
    client.close();
    throw error;
  }
}

interface ShimDetails {
  readonly address: ShimAddress;
  readonly namespace: string;
  readonly process: ProcessIdentity | undefined;
  readonly taskPid: number;
  readonly child: DetachedChild | undefined;
}

/** A connection to a shim. */
export class Shim implements Disposable {
  readonly address: ShimAddress;
  /** Its process, as the shim itself says; undefined when it ends just now. */
  readonly process: ProcessIdentity | undefined;
  /** Pid of the container's first process when the connection was made; 0 when the shim does not know the container. */
  readonly taskPid: number;
  /** Its task service. */
  readonly methods: TaskMethods;
  readonly #client: TtrpcClient;
  readonly #namespace: string;
  readonly #child: DetachedChild | undefined;

  constructor(client: TtrpcClient, { address, namespace, process, taskPid, child }: ShimDetails) {
    this.#client = client;
    this.#namespace = namespace;
    this.address = address;
    this.process = process;
    this.taskPid = taskPid;
    this.methods = taskMethods(address.service);
    this.#child = child;
  }

  /** Resolves when the connection has ended: the first sign of the shim's death. */
  get closed(): Promise<void> {
    return this.#client.closed;
  }

  get isClosed(): boolean {
    return this.#client.isClosed;
  }

  /** Waits until a shim that is a child of this process has been reaped. */
  async reaped(): Promise<void> {
    await this.#child?.ended({ clock: systemClock });
  }

  /** Waits until the connection has ended and the process is gone. */
  async ended({ clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
    await untilAborted(this.closed, signal);
    if (this.#child !== undefined) await this.#child.ended({ clock, signal });
    else if (this.process !== undefined) await waitForEnd(this.process, { clock, signal });
  }

  /** One call in the bundle's namespace. Errors are the shim's own; `shim_failure.ts` says what they mean. */
  async call<Req, Res>(method: Method<Req, Res>, request: Req, options: CallOptions = {}): Promise<Res> {
    return await this.#client.unary(method, request, { ...options, namespace: this.#namespace });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Asks the shim who it is; by that it turns out which generation it speaks: the other one is unknown to it (code 12). */
async function introduce(
  client: TtrpcClient,
  { id, service }: { readonly id: string; readonly service: ShimAddress["service"] | undefined },
  options: CallOptions,
): Promise<{ readonly service: ShimAddress["service"]; readonly shimPid: number; readonly taskPid: number }> {
  const first = service ?? "containerd.task.v3.Task";
  try {
    return { service: first, ...await client.unary(taskMethods(first).connect, { id }, options) };
  } catch (error) {
    if (service !== undefined || !isCode(error, "unimplemented")) throw error;
    const second = "containerd.task.v2.Task";
    return { service: second, ...await client.unary(taskMethods(second).connect, { id }, options) };
  }
}
