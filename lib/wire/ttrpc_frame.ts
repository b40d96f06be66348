/**
 * ttrpc's frames: 10 bytes of header, big endian (u32 length, u32 stream id, u8 type, u8 flags), then the payload.
 * Pure: bytes in, frames out. Source: ttrpc's PROTOCOL.md.
 */

/** What a frame carries. */
export type FrameType = "request" | "response" | "data";

/** One frame. */
export interface Frame {
  /** The call it belongs to; a client's are odd and grow. */
  readonly streamId: number;
  readonly type: FrameType;
  /** Bits of the protocol's flags; 0 for unary calls. */
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** Bits of a frame's flags. `remoteClosed`: the sender sends no more on this stream; `noData`: the frame carries nothing. */
export const frameFlags = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

/** The longest payload either side accepts: 4 MiB. */
export const maxPayloadBytes = 4 << 20;

const headerBytes = 10;
const types: readonly (FrameType | undefined)[] = [undefined, "request", "response", "data"];

/** A frame as it goes over the wire. RangeError for a payload that the other side would refuse. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const { payload } = frame;
  if (payload.length > maxPayloadBytes) {
    throw new RangeError(`a ttrpc message of ${payload.length} bytes is over the limit of ${maxPayloadBytes}`);
  }
  const bytes = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length);
  view.setUint32(4, frame.streamId);
  view.setUint8(8, types.indexOf(frame.type));
  view.setUint8(9, frame.flags);
  bytes.set(payload, headerBytes);
  return bytes;
}

/** Cuts a stream of bytes into frames, however it was cut before. */
export class FrameDecoder {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #length = 0;

  /** True between two frames: a stream that ends here was closed, elsewhere it was torn. */
  get isBetweenFrames(): boolean {
    return this.#length === 0;
  }

  /** Takes bytes and gives the frames they complete. SyntaxError for what is no ttrpc; nothing can follow that. */
  push(chunk: Uint8Array): readonly Frame[] {
    this.#append(chunk);
    const frames: Frame[] = [];
    let start = 0;
    for (;;) {
      const frame = this.#frameAt(start);
      if (frame === undefined) break;
      frames.push(frame);
      start += headerBytes + frame.payload.length;
    }
    this.#buffer.copyWithin(0, start, this.#length);
    this.#length -= start;
    return frames;
  }

  #frameAt(start: number): Frame | undefined {
    if (this.#length - start < headerBytes) return undefined;
    const view = new DataView(this.#buffer.buffer, start, headerBytes);
    const length = view.getUint32(0);
    const type = types[view.getUint8(8)];
    if (type === undefined) throw new SyntaxError(`a ttrpc frame of unknown type ${view.getUint8(8)}`);
    // Checked before the payload has come, so that a forged length cannot make us hold gigabytes.
    if (length > maxPayloadBytes) throw new SyntaxError(`a ttrpc frame of ${length} bytes is over the limit`);
    if (this.#length - start < headerBytes + length) return undefined;
    // A copy: the buffer is used again.
    const payload = this.#buffer.slice(start + headerBytes, start + headerBytes + length);
    return { streamId: view.getUint32(4), type, flags: view.getUint8(9), payload };
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }
}
