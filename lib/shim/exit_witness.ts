import { Status } from "../../proto/gen/containerd/task.ts";
import { TaskDefinition } from "../../proto/gen/shim/task.ts";
import { isCode } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { methodOf, type Transport } from "../rpc/transport.ts";
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
}

/** Connects to the shim of a bundle and waits there for the task's end. Undefined when the bundle has no shim alive. */
export async function witnessExit(
  bundle: string,
  options: { readonly id: string; readonly namespace: string },
): Promise<ExitWitness | undefined> {
  const address = await readShimAddress(bundle);
  if (address === undefined) return undefined;
  const transport = await connectTtrpc(address.path, { deadlineMs: answerMs }).catch(() => undefined);
  if (transport === undefined) return undefined;
  return {
    exit: askForExit(transport, { ...options, service: address.service }),
    [Symbol.asyncDispose]: () => Promise.resolve(transport.close()),
  };
}

async function askForExit(
  transport: Transport,
  { id, namespace, service }: { readonly id: string; readonly namespace: string; readonly service: string },
): Promise<ExitStatus | undefined> {
  const request = { id, execId: "" };
  const state = methodOf({ fullName: service }, TaskDefinition.methods.state);
  const wait = methodOf({ fullName: service }, TaskDefinition.methods.wait);
  try {
    const known = await transport.unary(state, request, { namespace, deadlineMs: answerMs });
    if (known.status === Status.STOPPED) return exitOf(known);
    return exitOf(await transport.unary(wait, request, { namespace, deadlineMs: Infinity }));
  } catch (error) {
    if (!isCode(error, "cancelled")) log.debug("the shim does not tell the exit", { id, reason: String(error) });
    return undefined;
  }
}

function exitOf(reply: {
  readonly exitStatus: number;
  readonly exitedAt?: { readonly seconds: bigint; readonly nanos: number } | undefined;
}): ExitStatus | undefined {
  const exitedAt = toMillis(reply.exitedAt);
  // An end without a time is an end nobody saw.
  return exitedAt === undefined ? undefined : { code: reply.exitStatus, exitedAt, exact: true };
}
