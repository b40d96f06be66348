/** How many bytes may wait for a reader before the writer is asked to wait, too. */
const highWaterBytes = 8 << 20;

/** Messages of one stream on their way from a connection to a loop that reads them. One reader, one writer. */
export class MessageQueue {
  readonly #messages: Uint8Array[] = [];
  #bytes = 0;
  #end: { readonly error: unknown } | undefined;
  #arrival = Promise.withResolvers<void>();
  #room = Promise.withResolvers<void>();

  /** Adds a message. A promise when too much waits: it resolves when the reader has caught up or has gone. */
  push(message: Uint8Array): Promise<void> | undefined {
    if (this.#end !== undefined) return undefined;
    this.#messages.push(message);
    this.#bytes += message.length;
    this.#arrival.resolve();
    return this.#bytes < highWaterBytes ? undefined : this.#room.promise;
  }

  /** Nothing follows; the reader gets what is there and then `error`, when there is one. The first end counts. */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#arrival.resolve();
  }

  /** The reader wants no more: a writer that waits for room goes on. */
  drop(): void {
    this.end();
    this.#messages.length = 0;
    this.#room.resolve();
  }

  /** The next message; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return this.#taken(message);
      if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return undefined;
      }
      await this.#arrival.promise;
      this.#arrival = Promise.withResolvers<void>();
    }
  }

  #taken(message: Uint8Array): Uint8Array {
    this.#bytes -= message.length;
    if (this.#bytes < highWaterBytes / 2) {
      this.#room.resolve();
      this.#room = Promise.withResolvers<void>();
    }
    return message;
  }
}
