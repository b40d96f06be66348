/** ttrpc over a unix socket: how shims are spoken to. Native Deno only, so it costs a command nothing to load. */
import { Request, Response } from "../../proto/gen/ttrpc/request.ts";
import { type Deadline, deadline } from "../base/clock.ts";
import { GantryError, messageOf, toGantryError } from "../base/errors.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../wire/ttrpc_frame.ts";
import { errorCodeOf } from "./status_codes.ts";
import { type CallOptions, defaultDeadlineMs, type Method, type Transport } from "./transport.ts";

/** Metadata key by which a ttrpc call names its containerd namespace. */
const namespaceKey = "containerd-namespace-ttrpc";

/**
 * Connects to the ttrpc server at `path`. `unavailable` when nobody listens there: for a shim that is proof of death.
 */
export async function connectTtrpc(path: string, options: { readonly deadlineMs?: number } = {}): Promise<Transport> {
  using limit = deadline(options.deadlineMs ?? 5000);
  try {
    return new TtrpcTransport(await untilAborted(Deno.connect({ transport: "unix", path }), limit.signal), path);
  } catch (error) {
    if (limit.signal.aborted) throw new GantryError("deadline_exceeded", `${path} did not accept a connection`);
    throw new GantryError("unavailable", `nobody listens at ${path}: ${messageOf(error)}`, { cause: error });
  }
}

interface PendingCall {
  resolve(payload: Uint8Array): void;
  reject(error: GantryError): void;
}

class TtrpcTransport implements Transport {
  readonly #connection: Deno.UnixConn;
  readonly #path: string;
  readonly #pending = new Map<number, PendingCall>();
  #nextId = 1;
  /** Frames go out one after the other: the server refuses ids that do not grow. */
  #writing: Promise<void> = Promise.resolve();
  #ended: GantryError | undefined;

  constructor(connection: Deno.UnixConn, path: string) {
    this.#connection = connection;
    this.#path = path;
    this.#readAll();
  }

  async unary<Req, Res>(method: Method<Req, Res>, request: Req, options: CallOptions = {}): Promise<Res> {
    if (this.#ended !== undefined) throw this.#ended;
    if (options.signal?.aborted) throw toGantryError(options.signal.reason);
    using limit = deadline(options.deadlineMs ?? defaultDeadlineMs, options.signal);
    const payload = await this.#call(encodeRequest(method, request, options), limit);
    try {
      return method.response.decode(payload);
    } catch (error) {
      throw new GantryError("internal", `${this.#path}: the reply of ${method.name} is none: ${messageOf(error)}`);
    }
  }

  // deno-lint-ignore require-yield -- shims' task service has no streams: the call fails before it could yield
  async *stream<Req, Res>(method: Method<Req, Res>): AsyncIterable<Res> {
    await Promise.resolve();
    throw new GantryError("unimplemented", `${method.service}/${method.name}: streams over ttrpc`);
  }

  close(): void {
    this.#end(new GantryError("cancelled", `the connection to ${this.#path} was closed`));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async #call(payload: Uint8Array, limit: Deadline): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const streamId = this.#nextId;
    const frame = frameOf(streamId, payload);
    this.#nextId += 2;
    this.#pending.set(streamId, { resolve, reject });
    // A deadline is ours alone: the server neither keeps one nor can be told to give up.
    const onAbort = (): void => reject(toGantryError(limit.signal.reason));
    limit.signal.addEventListener("abort", onAbort, { once: true });
    this.#writing = this.#write(frame);
    try {
      return await promise;
    } finally {
      limit.signal.removeEventListener("abort", onAbort);
      this.#pending.delete(streamId);
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#writing;
    try {
      for (let written = 0; written < bytes.length;) {
        written += await this.#connection.write(bytes.subarray(written));
      }
    } catch (error) {
      this.#end(new GantryError("unavailable", `${this.#path} was closed: ${messageOf(error)}`, { cause: error }));
    }
  }

  async #readAll(): Promise<void> {
    const decoder = new FrameDecoder();
    const buffer = new Uint8Array(64 << 10);
    try {
      for (;;) {
        const length = await this.#connection.read(buffer);
        if (length === null) break;
        for (const frame of decoder.push(buffer.subarray(0, length))) this.#deliver(frame);
      }
      const how = decoder.isBetweenFrames ? "closed" : "torn in the middle of a message";
      this.#end(new GantryError("unavailable", `the connection to ${this.#path} was ${how}`));
    } catch (error) {
      this.#end(new GantryError("unavailable", `the connection to ${this.#path} failed: ${messageOf(error)}`));
    }
  }

  #deliver(frame: Frame): void {
    const call = this.#pending.get(frame.streamId);
    // A late reply to a call that was given up.
    if (call === undefined || frame.type !== "response") return;
    try {
      const { status, payload } = Response.decode(frame.payload);
      if (status === undefined || status.code === 0) return call.resolve(payload);
      call.reject(new GantryError(errorCodeOf(status.code), status.message));
    } catch (error) {
      call.reject(new GantryError("internal", `${this.#path} sent no ttrpc reply: ${messageOf(error)}`));
    }
  }

  #end(reason: GantryError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const call of this.#pending.values()) call.reject(reason);
    this.#pending.clear();
    this.#connection.close();
  }
}

function encodeRequest<Req>(method: Method<Req, unknown>, request: Req, options: CallOptions): Uint8Array {
  const metadata = options.namespace === undefined ? [] : [{ key: namespaceKey, value: options.namespace }];
  const payload = method.request.encode(request).finish();
  return Request.encode({ service: method.service, method: method.name, payload, timeoutNano: 0n, metadata }).finish();
}

/** A request that is too long would make the server drop the connection, with all that others wait for on it. */
function frameOf(streamId: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    return encodeFrame({ streamId, type: "request", flags: 0, payload });
  } catch (error) {
    throw new GantryError("resource_exhausted", messageOf(error), { cause: error });
  }
}

async function untilAborted<T extends Disposable>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } catch (error) {
    work.then((late) => late[Symbol.dispose](), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
