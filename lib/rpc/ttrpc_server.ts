/** A ttrpc server at a unix socket: what shims send their events to, and what the control socket speaks. */
import { Request, Response } from "../../proto/gen/ttrpc/request.ts";
import { removeIfExists } from "../base/atomic_file.ts";
import { systemError } from "../base/errno.ts";
import { GantryError, messageOf, toGantryError } from "../base/errors.ts";
import { getLogger } from "../base/log.ts";
import { encodeFrame, type Frame, frameFlags } from "../wire/ttrpc_frame.ts";
import { FrameConnection } from "./frame_connection.ts";
import { statusOf } from "./status_codes.ts";
import type { Method } from "./transport.ts";
import { namespaceKey } from "./ttrpc_transport.ts";

const log = getLogger("ttrpc");

/** What a handler knows of a call beside its request. */
export interface CallContext {
  /** Aborted when the caller has gone or wants no more of the stream. */
  readonly signal: AbortSignal;
  /** The containerd namespace it was sent with. */
  readonly namespace: string | undefined;
}

/** One method with what answers it; made by {@link answer} and {@link answerStream}. */
export interface Route {
  /** `SERVICE/METHOD`. */
  readonly name: string;
  /** Encoded replies: one for a unary method, any number for a stream. */
  readonly run: (request: Uint8Array, context: CallContext) => AsyncIterable<Uint8Array<ArrayBuffer>>;
  readonly isStream: boolean;
}

/** Options of {@link serveTtrpc}. */
export interface ServeOptions {
  readonly routes: readonly Route[];
  /** Permissions of the socket; default 0600. A shim refuses no server, so its directory must be private, too. */
  readonly mode?: number | undefined;
  /**
   * Leaves the socket file behind when the server is closed, as a crash does. Who connects is then refused at once; a shim
   * that finds no file at all tries for 5 s, event after event, and stops answering calls meanwhile. Default false.
   */
  readonly leaveSocket?: boolean | undefined;
}

/** A server that listens until it is closed. */
export interface TtrpcServer extends AsyncDisposable {
  readonly path: string;
  /** Stops listening and ends all connections; resolves when the handlers have ended. Safe to repeat. */
  close(): Promise<void>;
}

/** Answers a unary method. What the handler throws is sent with its code. */
export function answer<Req, Res>(
  method: Method<Req, Res>,
  handler: (request: Req, context: CallContext) => Promise<Res> | Res,
): Route {
  return {
    name: `${method.service}/${method.name}`,
    isStream: false,
    async *run(request, context) {
      yield method.response.encode(await handler(decodeRequest(method, request), context)).finish();
    },
  };
}

/** Answers a method whose replies are a stream. */
export function answerStream<Req, Res>(
  method: Method<Req, Res>,
  handler: (request: Req, context: CallContext) => AsyncIterable<Res>,
): Route {
  return {
    name: `${method.service}/${method.name}`,
    isStream: true,
    async *run(request, context) {
      for await (const reply of handler(decodeRequest(method, request), context)) {
        yield method.response.encode(reply).finish();
      }
    },
  };
}

/**
 * Listens at `path`, taking the place of a dead server's socket without a moment at which there is none.
 * `already_exists` when somebody listens there.
 */
export async function serveTtrpc(path: string, options: ServeOptions): Promise<TtrpcServer> {
  if (await isListening(path)) throw new GantryError("already_exists", `somebody listens at ${path} already`);
  const own = `${path}.${Deno.pid}`;
  try {
    await removeIfExists(own);
    const listener = Deno.listen({ transport: "unix", path: own });
    try {
      await Deno.chmod(own, options.mode ?? 0o600);
      await Deno.rename(own, path);
    } catch (error) {
      listener.close();
      await removeIfExists(own);
      throw error;
    }
    return new UnixServer(listener, path, options);
  } catch (error) {
    throw systemError(error, `listen at ${path}`);
  }
}

class UnixServer implements TtrpcServer {
  readonly path: string;
  readonly #listener: Deno.UnixListener;
  readonly #leaveSocket: boolean;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #sessions = new Set<Session>();
  readonly #accepting: Promise<void>;
  readonly #inode: number | null;
  #closing: Promise<void> | undefined;

  constructor(listener: Deno.UnixListener, path: string, { routes, leaveSocket = false }: ServeOptions) {
    this.path = path;
    this.#listener = listener;
    this.#leaveSocket = leaveSocket;
    this.#routes = new Map(routes.map((route) => [route.name, route]));
    this.#inode = Deno.lstatSync(path).ino;
    this.#accepting = this.#accept();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    const sessions = [...this.#sessions];
    for (const session of sessions) session.close();
    await Promise.all(sessions.map(({ ended }) => ended));
    // Another server may have taken the place meanwhile.
    if (!this.#leaveSocket && inodeOf(this.path) === this.#inode) await removeIfExists(this.path);
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        const session = new Session(connection, this.#routes);
        this.#sessions.add(session);
        session.ended.then(() => this.#sessions.delete(session));
      }
    } catch (error) {
      if (this.#closing === undefined) log.error("no connection can be accepted", { path: this.path, error });
    }
  }
}

/** One client. */
class Session {
  /** Resolves when the connection and all its handlers have ended. */
  readonly ended: Promise<void>;
  readonly #connection: FrameConnection;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #calls = new Map<number, AbortController>();
  readonly #work = new Set<Promise<void>>();
  #lastId = 0;

  constructor(connection: Deno.UnixConn, routes: ReadonlyMap<string, Route>) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#routes = routes;
    this.#connection = new FrameConnection(connection, {
      frame: (frame) => this.#take(frame),
      end: () => {
        for (const call of this.#calls.values()) call.abort();
        resolve(Promise.allSettled([...this.#work]).then(() => {}));
      },
    });
    this.ended = promise;
  }

  close(): void {
    this.#connection.close();
  }

  #take(frame: Frame): void {
    if (frame.type === "response") return;
    if (frame.type === "data") {
      // Our methods take one request each, so what follows it can only be a second close: the caller wants no more.
      this.#calls.get(frame.streamId)?.abort();
      return;
    }
    if (frame.streamId % 2 === 0 || frame.streamId <= this.#lastId) {
      this.#fail(frame.streamId, new GantryError("invalid_argument", `stream id ${frame.streamId} does not grow`));
      return;
    }
    this.#lastId = frame.streamId;
    const work = this.#handle(frame);
    this.#work.add(work);
    work.finally(() => this.#work.delete(work));
  }

  async #handle({ streamId, payload }: Frame): Promise<void> {
    const controller = new AbortController();
    this.#calls.set(streamId, controller);
    try {
      const { route, request, namespace } = this.#find(payload);
      for await (const reply of route.run(request, { signal: controller.signal, namespace })) {
        if (controller.signal.aborted) break;
        // A slow reader holds its own stream up: the handler goes on when the kernel has taken the message.
        await this.#connection.send(messageFrame(streamId, route, reply));
      }
      if (route.isStream) await this.#connection.send(lastFrame(streamId));
    } catch (error) {
      await this.#fail(streamId, toGantryError(error));
    } finally {
      this.#calls.delete(streamId);
    }
  }

  #find(payload: Uint8Array): { route: Route; request: Uint8Array; namespace: string | undefined } {
    const { service, method, payload: request, metadata } = decodeEnvelope(payload);
    const route = this.#routes.get(`${service}/${method}`);
    if (route === undefined) throw new GantryError("unimplemented", `service ${service} has no method ${method} here`);
    return { route, request, namespace: metadata.find(({ key }) => key === namespaceKey)?.value };
  }

  #fail(streamId: number, { code, message }: GantryError): Promise<void> {
    const status = { code: statusOf(code), message: message.slice(0, 64 << 10), details: [] };
    return this.#connection.send(responseFrame(streamId, { status, payload: new Uint8Array() }));
  }
}

function decodeEnvelope(payload: Uint8Array): Request {
  try {
    return Request.decode(payload);
  } catch (error) {
    throw new GantryError("invalid_argument", `no ttrpc request: ${messageOf(error)}`);
  }
}

function decodeRequest<Req>(method: Pick<Method<Req, unknown>, "name" | "request">, request: Uint8Array): Req {
  try {
    return method.request.decode(request);
  } catch (error) {
    throw new GantryError("invalid_argument", `the request of ${method.name} is none: ${messageOf(error)}`);
  }
}

function messageFrame(streamId: number, { isStream }: Route, reply: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  try {
    if (!isStream) return responseFrame(streamId, { status: undefined, payload: reply });
    return encodeFrame({ streamId, type: "data", flags: 0, payload: reply });
  } catch (error) {
    throw new GantryError("resource_exhausted", messageOf(error), { cause: error });
  }
}

/** How ttrpc ends a stream that went well: a message that says that there is none. */
function lastFrame(streamId: number): Uint8Array<ArrayBuffer> {
  const flags = frameFlags.remoteClosed | frameFlags.noData;
  return encodeFrame({ streamId, type: "data", flags, payload: new Uint8Array() });
}

function responseFrame(streamId: number, response: Response): Uint8Array<ArrayBuffer> {
  return encodeFrame({ streamId, type: "response", flags: 0, payload: Response.encode(response).finish() });
}

async function isListening(path: string): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ transport: "unix", path });
    return true;
  } catch {
    return false;
  }
}

function inodeOf(path: string): number | null {
  try {
    return Deno.lstatSync(path).ino;
  } catch {
    return null;
  }
}
