import { Status } from "../../proto/gen/containerd/task.ts";
import { TaskDefinition } from "../../proto/gen/shim/task.ts";
import { isCode } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { type Method, methodOf, type Transport } from "../rpc/transport.ts";
import { connectTtrpc } from "../rpc/ttrpc_transport.ts";
import type { ExitStatus } from "../wire/task.ts";
import { toMillis } from "../wire/timestamp.ts";
import { readShimAddress } from "./bundle_address.ts";

const log = getLogger("shim");

/** How long a shim may take to answer; a healthy one takes a millisecond. */
const answerMs = 2000;

/**
 * Sees a container's exit at its shim, past containerd. A shim keeps the exit status of its task until the task is
 * deleted; a containerd (1.7 and later) that finds an ended task when it starts deletes it and forgets the status. So
 * whoever wants to know must be connected before that.
 */
export interface ExitWitness extends AsyncDisposable {
  /** Resolves with the exit when the shim tells it; with undefined when the shim is gone or knows no such task. */
  readonly exit: Promise<ExitStatus | undefined>;
  /** Whether the shim still answers and knows the task. */
  answers(): Promise<boolean>;
}

/** Which task of which shim. */
export interface WitnessOptions {
  readonly id: string;
  readonly namespace: string;
}

/** Connects to the shim of a bundle and waits there for the task's end. Undefined when the bundle has no shim alive. */
export async function witnessExit(bundle: string, options: WitnessOptions): Promise<ExitWitness | undefined> {
  const address = await readShimAddress(bundle);
  if (address === undefined) return undefined;
  const transport = await connectTtrpc(address.path, { deadlineMs: answerMs }).catch(() => undefined);
  if (transport === undefined) return undefined;
  const shim = new ShimTask(transport, { ...options, rpcs: address.service });
  return {
    exit: shim.exit().catch((error: unknown) => {
      if (!isCode(error, "cancelled")) log.debug("the shim does not tell the exit", { id: options.id, error });
      return undefined;
    }),
    answers: () => shim.state().then(() => true, () => false),
    [Symbol.asyncDispose]: () => Promise.resolve(transport.close()),
  };
}

/** One task as its shim knows it. */
class ShimTask {
  readonly #transport: Transport;
  readonly #options: WitnessOptions;
  readonly #state: Method<StateRequest, StateReply>;
  readonly #wait: Method<StateRequest, ExitReply>;

  constructor(transport: Transport, options: WitnessOptions & { readonly rpcs: string }) {
    this.#transport = transport;
    this.#options = options;
    this.#state = methodOf({ fullName: options.rpcs }, TaskDefinition.methods.state);
    this.#wait = methodOf({ fullName: options.rpcs }, TaskDefinition.methods.wait);
  }

  async state(): Promise<StateReply> {
    const { id, namespace } = this.#options;
    return await this.#transport.unary(this.#state, { id, execId: "" }, { namespace, deadlineMs: answerMs });
  }

  async exit(): Promise<ExitStatus | undefined> {
    const known = await this.state();
    if (known.status === Status.STOPPED) return exitOf(known);
    const { id, namespace } = this.#options;
    return exitOf(await this.#transport.unary(this.#wait, { id, execId: "" }, { namespace, deadlineMs: Infinity }));
  }
}

interface StateRequest {
  id: string;
  execId: string;
}

interface ExitReply {
  readonly exitStatus: number;
  readonly exitedAt?: { readonly seconds: bigint; readonly nanos: number } | undefined;
}

interface StateReply extends ExitReply {
  readonly status: Status;
}

function exitOf(reply: ExitReply): ExitStatus | undefined {
  const exitedAt = toMillis(reply.exitedAt);
  // An end without a time is an end nobody saw.
  return exitedAt === undefined ? undefined : { code: reply.exitStatus, exitedAt, exact: true };
}
