/** A ttrpc server in a test's own words: what it does with the bytes of each connection is a function. */
import { Request, Response } from "../../../proto/gen/ttrpc/request.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../../lib/wire/ttrpc_frame.ts";

/** One connection, from the server's side. */
export interface Peer {
  /** Answers a call. */
  reply(
    streamId: number,
    reply: { readonly payload?: Uint8Array; readonly code?: number; readonly message?: string },
  ): Promise<void>;
  /** Sends bytes as they are. */
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/** A call as it arrived. */
export interface Call {
  readonly streamId: number;
  readonly request: Request;
}

/** Listens at a unix socket until it is disposed. */
export class TtrpcServer implements AsyncDisposable {
  readonly path: string;
  /** Calls so far. */
  readonly calls: Call[] = [];
  readonly #directory: string;
  readonly #listener: Deno.UnixListener;
  readonly #connections = new Set<Deno.UnixConn>();
  readonly #handlers: Promise<void>[] = [];
  readonly #accepting: Promise<void>;

  private constructor(directory: string, onCall: (call: Call, peer: Peer) => Promise<void> | void) {
    this.#directory = directory;
    this.path = `${directory}/s`;
    this.#listener = Deno.listen({ transport: "unix", path: this.path });
    this.#accepting = this.#accept(onCall);
  }

  static async open(onCall: (call: Call, peer: Peer) => Promise<void> | void): Promise<TtrpcServer> {
    return new TtrpcServer(await Deno.makeTempDir(), onCall);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#connections) closeQuietly(connection);
    await Promise.all(this.#handlers);
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #accept(onCall: (call: Call, peer: Peer) => Promise<void> | void): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        this.#connections.add(connection);
        this.#handlers.push(this.#serve(connection, onCall));
      }
    } catch {
      // Closed.
    }
  }

  async #serve(connection: Deno.UnixConn, onCall: (call: Call, peer: Peer) => Promise<void> | void): Promise<void> {
    const peer: Peer = {
      reply: (streamId, { payload = new Uint8Array(), code = 0, message = "" }) => {
        const status = code === 0 ? undefined : { code, message, details: [] };
        return peer.send(frame({ streamId, payload: Response.encode({ status, payload }).finish() }));
      },
      send: async (bytes) => {
        for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
      },
      close: () => closeQuietly(connection),
    };
    const decoder = new FrameDecoder();
    const buffer = new Uint8Array(64 << 10);
    const work: Promise<void>[] = [];
    try {
      for (;;) {
        const length = await connection.read(buffer);
        if (length === null) break;
        for (const { streamId, payload } of decoder.push(buffer.subarray(0, length))) {
          const call = { streamId, request: Request.decode(payload) };
          this.calls.push(call);
          work.push(Promise.resolve(onCall(call, peer)));
        }
      }
    } catch {
      // The other side has gone, or we have closed it.
    }
    await Promise.allSettled(work);
    closeQuietly(connection);
  }
}

function frame({ streamId, payload }: Pick<Frame, "streamId" | "payload">): Uint8Array {
  return encodeFrame({ streamId, type: "response", flags: 0, payload });
}

function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
