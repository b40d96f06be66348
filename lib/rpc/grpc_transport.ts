/**
 * gRPC over a unix socket with @grpc/grpc-js. Loading it costs a process about 50 ms (it pulls node:http2), so this file is
 * imported lazily, and is the only one that names the package.
 */
import {
  type CallOptions as GrpcCallOptions,
  Client,
  type ClientReadableStream,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { deadlineIn, systemClock } from "../base/clock.ts";
import { type ErrorCode, GantryError } from "../base/errors.ts";
import { errorCodeOf } from "./status_codes.ts";
import { type CallOptions, defaultDeadlineMs, markUnsent, type Method, type Transport } from "./transport.ts";

/** containerd's own limit for a message (16 MiB), both ways; a list of 5 000 containers fits. */
const maxMessageBytes = 16 << 20;

const channelOptions = {
  // The authority of a unix socket's path is not valid for newer grpc-go servers.
  "grpc.default_authority": "localhost",
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
  // Retrying is ours: only we know which calls may be repeated.
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.use_local_subchannel_pool": 1,
  // containerd is back within 100 ms of a kill when gantry supervises it: the default of 1 s would hide that.
  "grpc.initial_reconnect_backoff_ms": 20,
  "grpc.min_reconnect_backoff_ms": 20,
  "grpc.max_reconnect_backoff_ms": 500,
};

/** How often to look whether a channel has connected. */
const connectPollMs = 10;

/** Options of {@link connectGrpc}. */
export interface GrpcOptions {
  /**
   * How long calls wait for a server that is not there, in milliseconds; default 0: they fail at once with `unavailable`. A
   * call with `waitForReady` waits to its deadline in any case.
   */
  readonly waitForReadyMs?: number | undefined;
}

/** Opens a channel to the gRPC server at `address`, the path of a unix socket. Connects with the first call. */
export function connectGrpc(address: string, options: GrpcOptions = {}): Transport {
  const client = new Client(`unix://${address}`, credentials.createInsecure(), channelOptions);
  return new GrpcTransport(client, { address, waitForReadyMs: options.waitForReadyMs ?? 0 });
}

class GrpcTransport implements Transport {
  readonly #client: Client;
  readonly #address: string;
  readonly #waitForReadyMs: number;

  constructor(client: Client, options: { readonly address: string; readonly waitForReadyMs: number }) {
    this.#client = client;
    this.#address = options.address;
    this.#waitForReadyMs = options.waitForReadyMs;
  }

  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    // Without a patient caller the call goes out before this function returns: Wait must be on the wire before Start.
    if (this.#waitForReadyMs > 0 && !this.#isReady()) await this.#connected(method, options.signal);
    return await this.#unary(method, request, options);
  }

  #unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(this.#aborted(method, signal));
    const onAbort = (): void => call.cancel();
    const call = this.#client.makeUnaryRequest(
      pathOf(method),
      (message: Request) => encode(method, message),
      (bytes: Buffer) => method.response.decode(bytes),
      request,
      metadataOf(options),
      callOptionsOf(options),
      (error, response) => {
        signal?.removeEventListener("abort", onAbort);
        if (error !== null) return reject(this.#fail(method, error, signal));
        if (response === undefined) return reject(new GantryError("internal", `${pathOf(method)}: no reply`));
        resolve(response);
      },
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    return promise;
  }

  async *stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): AsyncIterable<Response> {
    const { signal } = options;
    if (signal?.aborted) throw this.#aborted(method, signal);
    const call: ClientReadableStream<Response> = this.#client.makeServerStreamRequest(
      pathOf(method),
      (message: Request) => encode(method, message),
      (bytes: Buffer) => method.response.decode(bytes),
      request,
      metadataOf(options),
      callOptionsOf(options),
    );
    const onAbort = (): void => call.cancel();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for await (const message of call) yield message;
    } catch (error) {
      throw isServiceError(error) ? this.#fail(method, error, signal) : error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      // A loop that is left early destroys the stream; the late CANCELLED status must have a listener.
      call.on("error", () => {});
      call.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  #isReady(connect = false): boolean {
    return this.#client.getChannel().getConnectivityState(connect) === connectivityState.READY;
  }

  /**
   * Resolves when there is a connection, or when the patience is over: the call then tells why there is none. grpc-js can
   * wait itself, but not be told to stop.
   */
  async #connected(method: Method<unknown, unknown>, signal: AbortSignal | undefined): Promise<void> {
    const end = systemClock.monotonic() + this.#waitForReadyMs;
    while (!this.#isReady(true) && systemClock.monotonic() < end) {
      await systemClock.sleep(connectPollMs, { signal }).catch(() => {});
      if (signal?.aborted) throw this.#aborted(method, signal);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #fail(method: Method<unknown, unknown>, error: ServiceError, signal: AbortSignal | undefined): GantryError {
    if (signal?.aborted) return this.#aborted(method, signal);
    const code = errorCodeOf(error.code);
    if (code === "unavailable") {
      const failure = new GantryError(
        "unavailable",
        `containerd at ${this.#address} does not answer: ${reasonOf(error.details)}`,
        {
          cause: error,
          hint: "`gantry status` shows the supervised containerd, `gantry up` starts it; --address names another one",
        },
      );
      return error.details.startsWith("No connection established") ? markUnsent(failure) : failure;
    }
    if (code === "deadline_exceeded") {
      return new GantryError(code, `containerd at ${this.#address}: ${pathOf(method)} took too long`, { cause: error });
    }
    return new GantryError(code, error.details === "" ? pathOf(method) : error.details, { cause: error });
  }

  #aborted(method: Method<unknown, unknown>, signal: AbortSignal): GantryError {
    const timedOut = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
    const code: ErrorCode = timedOut ? "deadline_exceeded" : "cancelled";
    return new GantryError(code, `${pathOf(method)}: ${timedOut ? "took too long" : "cancelled"}`, {
      cause: signal.reason,
    });
  }
}

/** The cause in grpc-js' wordy text: "No connection established. Last error: Error: connect ENOENT … Resolution note: ". */
function reasonOf(details: string): string {
  return /Last error: (?:Error: )?(.*?)\.? Resolution note/s.exec(details)?.[1] ?? details;
}

function pathOf(method: Method<unknown, unknown>): string {
  return `/${method.service}/${method.name}`;
}

function encode<Request>(method: Method<Request, unknown>, message: Request): Buffer {
  const bytes = method.request.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function metadataOf(options: CallOptions): Metadata {
  const metadata = new Metadata({ waitForReady: options.waitForReady ?? false });
  if (options.namespace !== undefined) metadata.set("containerd-namespace", options.namespace);
  return metadata;
}

function callOptionsOf(options: CallOptions): GrpcCallOptions {
  const ms = options.deadlineMs ?? defaultDeadlineMs;
  return { deadline: Number.isFinite(ms) ? deadlineIn(ms) : Infinity };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}
