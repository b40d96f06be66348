/**
 * Who moves the bytes of a call: gRPC to containerd or ttrpc to a shim. Services are described once, by what
 * `scripts/generate_proto` writes, and work over either.
 */

import { GantryError } from "../base/errors.ts";

/** Encodes and decodes one message type, as ts-proto generates it. */
export interface MessageCodec<T> {
  encode(message: T): { finish(): Uint8Array<ArrayBuffer> };
  decode(input: Uint8Array): T;
}

/** One method of a service. */
export interface Method<Request, Response> {
  /** Full name of the service, e.g. `containerd.services.tasks.v1.Tasks`. */
  readonly service: string;
  /** Name of the method, e.g. `Create`. */
  readonly name: string;
  readonly request: MessageCodec<Request>;
  readonly response: MessageCodec<Response>;
}

/** Options of a call. */
export interface CallOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds the call may take; default {@link defaultDeadlineMs}; `Infinity` for none. */
  readonly deadlineMs?: number | undefined;
  /** containerd namespace sent with the call. */
  readonly namespace?: string | undefined;
  /** Waits for a connection instead of failing at once with `unavailable`; bounded by the deadline. Default false. */
  readonly waitForReady?: boolean | undefined;
}

/** Deadline of a call that names none. Long enough for a runtime that waits for a slow disk. */
export const defaultDeadlineMs = 60_000;

/** Moves calls to a server and back. Errors are {@link GantryError}s with the server's class as code. */
export interface Transport extends AsyncDisposable {
  /** One request, one reply. */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
  /** One request, many replies. Leaving the loop cancels the call. */
  stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): AsyncIterable<Response>;
  /** Ends all calls (`cancelled`) and frees the connection. Safe to repeat. */
  close(): void;
}

const unsent = new WeakSet<GantryError>();

/** Notes that the call which failed with `error` never left this process, and gives the error back. */
export function markUnsent(error: GantryError): GantryError {
  unsent.add(error);
  return error;
}

/** True when the call that failed with `error` certainly did nothing: there was no connection to send it on. */
export function isUnsent(error: unknown): boolean {
  return error instanceof GantryError && unsent.has(error);
}

/** Names one method of a generated service definition. */
export function methodOf<Request, Response>(
  service: { readonly fullName: string },
  method: {
    readonly name: string;
    readonly requestType: MessageCodec<Request>;
    readonly responseType: MessageCodec<Response>;
  },
): Method<Request, Response> {
  return { service: service.fullName, name: method.name, request: method.requestType, response: method.responseType };
}
