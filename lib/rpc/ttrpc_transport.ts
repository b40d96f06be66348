/** ttrpc over a unix socket: how shims are spoken to. Native Deno only, so it costs a command nothing to load. */
import { Request, Response } from "../../proto/gen/ttrpc/request.ts";
import { type Deadline, deadline } from "../base/clock.ts";
import { GantryError, messageOf, toGantryError } from "../base/errors.ts";
import { untilAborted } from "../base/until_aborted.ts";
import { encodeFrame, type Frame, frameFlags } from "../wire/ttrpc_frame.ts";
import { FrameConnection } from "./frame_connection.ts";
import { MessageQueue } from "./message_queue.ts";
import { errorCodeOf } from "./status_codes.ts";
import { type CallOptions, defaultDeadlineMs, markUnsent, type Method, type Transport } from "./transport.ts";

/** Metadata key by which a ttrpc call names its containerd namespace. */
export const namespaceKey = "containerd-namespace-ttrpc";

/** A transport that knows when its connection has ended: of a shim's, that is the first sign of its death. */
export interface TtrpcClient extends Transport {
  /** Resolves when the connection has ended, from whichever side; never rejects. */
  readonly closed: Promise<void>;
  /** True from then on. */
  readonly isClosed: boolean;
}

/** Options of {@link connectTtrpc}. */
export interface ConnectOptions {
  /** How long the server may take to accept, milliseconds; default 5000. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects to the ttrpc server at `path`. `unavailable` when that fails; see {@link isNobodyListening} for when it proves
 * that there is no server. `deadline_exceeded` when the server does not accept in time, which proves nothing.
 */
export async function connectTtrpc(path: string, options: ConnectOptions = {}): Promise<TtrpcClient> {
  using limit = deadline(options.deadlineMs ?? 5000, options.signal);
  const connecting = Deno.connect({ transport: "unix", path });
  try {
    return new TtrpcTransport(await untilAborted(connecting, limit.signal), path);
  } catch (error) {
    connecting.then((late) => late.close(), () => {});
    if (options.signal?.aborted) throw toGantryError(options.signal.reason);
    if (limit.signal.aborted) throw new GantryError("deadline_exceeded", `${path} did not accept a connection`);
    throw new GantryError("unavailable", `nobody listens at ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** True for the failure of a connection which proves that nobody listens: it was refused, or there is no socket. */
export function isNobodyListening(error: unknown): boolean {
  if (!(error instanceof GantryError)) return false;
  return error.cause instanceof Deno.errors.ConnectionRefused || error.cause instanceof Deno.errors.NotFound;
}

/** What waits for the frames of one call. */
interface PendingCall {
  /** The reply, or the end of a stream. */
  reply(payload: Uint8Array): void;
  /** A message of a stream. */
  data(frame: Frame): Promise<void> | void;
  fail(error: GantryError): void;
}

class TtrpcTransport implements TtrpcClient {
  readonly closed: Promise<void>;
  readonly #connection: FrameConnection;
  readonly #path: string;
  readonly #pending = new Map<number, PendingCall>();
  #nextId = 1;
  #ended: GantryError | undefined;

  constructor(connection: Deno.UnixConn, path: string) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#path = path;
    this.#connection = new FrameConnection(connection, {
      frame: (frame) => this.#deliver(frame),
      end: (how) => {
        this.#end(new GantryError("unavailable", `the connection to ${path} was ${how}`));
        resolve();
      },
    });
  }

  get isClosed(): boolean {
    return this.#ended !== undefined;
  }

  async unary<Req, Res>(method: Method<Req, Res>, request: Req, options: CallOptions = {}): Promise<Res> {
    this.#assertCallable(options);
    using limit = deadline(options.deadlineMs ?? defaultDeadlineMs, options.signal);
    return this.#decode(method, await this.#call(encodeRequest(method, request, options), limit));
  }

  async *stream<Req, Res>(method: Method<Req, Res>, request: Req, options: CallOptions = {}): AsyncIterable<Res> {
    this.#assertCallable(options);
    using limit = deadline(options.deadlineMs ?? defaultDeadlineMs, options.signal);
    const queue = new MessageQueue();
    // The client sends nothing after its request: its side is closed from the start.
    const streamId = this.#send(encodeRequest(method, request, options), frameFlags.remoteClosed, {
      reply: (payload) => {
        if (payload.length > 0) queue.push(payload);
        queue.end();
      },
      data: ({ flags, payload }) => {
        const pushed = (flags & frameFlags.noData) === 0 ? queue.push(payload) : undefined;
        if ((flags & frameFlags.remoteClosed) !== 0) queue.end();
        return pushed;
      },
      fail: (error) => queue.end(error),
    });
    const onAbort = (): void => queue.end(toGantryError(limit.signal.reason));
    limit.signal.addEventListener("abort", onAbort, { once: true });
    let isOver = false;
    try {
      for (;;) {
        const message = await queue.next();
        if (message === undefined) break;
        yield this.#decode(method, message);
      }
      isOver = true;
    } finally {
      limit.signal.removeEventListener("abort", onAbort);
      queue.drop();
      this.#pending.delete(streamId);
      // ttrpc has no cancel; a second close of our side is harmless to others and tells our own server to stop.
      if (!isOver) this.#cancel(streamId);
    }
  }

  close(): void {
    this.#end(new GantryError("cancelled", `the connection to ${this.#path} was closed`));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #assertCallable({ signal }: CallOptions): void {
    if (this.#ended !== undefined) throw markUnsent(new GantryError(this.#ended.code, this.#ended.message));
    if (signal?.aborted) throw toGantryError(signal.reason);
  }

  async #call(payload: Uint8Array, limit: Deadline): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const streamId = this.#send(payload, 0, { reply: resolve, data: () => {}, fail: reject });
    // A deadline is ours alone: the server neither keeps one nor can be told to give up.
    const onAbort = (): void => reject(toGantryError(limit.signal.reason));
    limit.signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      limit.signal.removeEventListener("abort", onAbort);
      this.#pending.delete(streamId);
    }
  }

  #send(payload: Uint8Array, flags: number, call: PendingCall): number {
    const streamId = this.#nextId;
    const frame = frameOf(streamId, { flags, payload });
    this.#nextId += 2;
    this.#pending.set(streamId, call);
    this.#connection.send(frame);
    return streamId;
  }

  #cancel(streamId: number): void {
    if (this.#ended !== undefined) return;
    const flags = frameFlags.remoteClosed | frameFlags.noData;
    this.#connection.send(encodeFrame({ streamId, type: "data", flags, payload: new Uint8Array() }));
  }

  #deliver(frame: Frame): Promise<void> | void {
    const call = this.#pending.get(frame.streamId);
    // A late reply to a call that was given up.
    if (call === undefined || frame.type === "request") return;
    if (frame.type === "data") return call.data(frame);
    try {
      const { status, payload } = Response.decode(frame.payload);
      if (status === undefined || status.code === 0) return call.reply(payload);
      call.fail(new GantryError(errorCodeOf(status.code), status.message));
    } catch (error) {
      call.fail(new GantryError("internal", `${this.#path} sent no ttrpc reply: ${messageOf(error)}`));
    }
  }

  #end(reason: GantryError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const call of this.#pending.values()) call.fail(reason);
    this.#pending.clear();
    this.#connection.close();
  }

  #decode<Res>(method: Pick<Method<unknown, Res>, "name" | "response">, payload: Uint8Array): Res {
    try {
      return method.response.decode(payload);
    } catch (error) {
      throw new GantryError("internal", `${this.#path}: the reply of ${method.name} is none: ${messageOf(error)}`);
    }
  }
}

function encodeRequest<Req>(method: Method<Req, unknown>, request: Req, options: CallOptions): Uint8Array {
  const metadata = options.namespace === undefined ? [] : [{ key: namespaceKey, value: options.namespace }];
  const payload = method.request.encode(request).finish();
  return Request.encode({ service: method.service, method: method.name, payload, timeoutNano: 0n, metadata }).finish();
}

/** A request that is too long would make the server drop the connection, with all that others wait for on it. */
function frameOf(streamId: number, rest: Pick<Frame, "flags" | "payload">): Uint8Array<ArrayBuffer> {
  try {
    return encodeFrame({ streamId, type: "request", ...rest });
  } catch (error) {
    throw new GantryError("resource_exhausted", messageOf(error), { cause: error });
  }
}
