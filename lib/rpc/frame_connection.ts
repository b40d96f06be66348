import { messageOf } from "../base/errors.ts";
import { type Frame, FrameDecoder } from "../wire/ttrpc_frame.ts";

/** What is done with what arrives on a {@link FrameConnection}. */
export interface FrameReceiver {
  /** A frame has come. Nothing more is read until the promise, when there is one, is settled: that is the back-pressure. */
  frame(frame: Frame): Promise<void> | void;
  /** The connection has ended; called once. `how` completes "the connection was …" or "failed: …". */
  end(how: string): void;
}

/** Frames in both directions over one unix socket: either side of ttrpc. */
export class FrameConnection {
  readonly #connection: Deno.UnixConn;
  readonly #receiver: FrameReceiver;
  /** Frames go out one after the other: a server refuses ids that do not grow. */
  #writing: Promise<void> = Promise.resolve();
  #isEnded = false;

  /** Starts to read. */
  constructor(connection: Deno.UnixConn, receiver: FrameReceiver) {
    this.#connection = connection;
    this.#receiver = receiver;
    this.#read();
  }

  /** Sends a frame after all that were sent before; resolves when the kernel has it, or the connection has ended. */
  send(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#writing = this.#write(frame, this.#writing);
    return this.#writing;
  }

  /** Ends the connection from this side. Safe to repeat. */
  close(how = "closed"): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#connection.close();
    this.#receiver.end(how);
  }

  async #write(bytes: Uint8Array<ArrayBuffer>, before: Promise<void>): Promise<void> {
    await before;
    if (this.#isEnded) return;
    try {
      for (let written = 0; written < bytes.length;) {
        written += await this.#connection.write(bytes.subarray(written));
      }
    } catch (error) {
      this.close(`closed by the other side: ${messageOf(error)}`);
    }
  }

  async #read(): Promise<void> {
    const decoder = new FrameDecoder();
    const buffer = new Uint8Array(64 << 10);
    try {
      for (;;) {
        const length = await this.#connection.read(buffer);
        if (length === null) break;
        for (const frame of decoder.push(buffer.subarray(0, length))) {
          const taken = this.#receiver.frame(frame);
          if (taken !== undefined) await taken;
        }
      }
      this.close(decoder.isBetweenFrames ? "closed" : "torn in the middle of a message");
    } catch (error) {
      this.close(`broken: ${messageOf(error)}`);
    }
  }
}
