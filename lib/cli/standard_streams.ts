/**
 * stdin, stdout and stderr as a container's streams. Whoever shares them (ssh, a node parent) may have made them
 * non-blocking, for us too: a read or write that would block then fails, which is no end and no error.
 */
import { GantryError, isCode } from "../base/errors.ts";
import { untilReady, writeWaiting } from "../base/poller.ts";
import type { ByteSink, ByteSource } from "../engine/copy.ts";

/** Our stdin. A terminal that was hung up is at its end. */
export const stdinSource: ByteSource = {
  async read(buffer) {
    for (;;) {
      try {
        return await Deno.stdin.read(buffer);
      } catch (error) {
        if (isHungUp(error)) return null;
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        await untilReady(0, "readable");
      }
    }
  },
};

/** Our stdout. Rejects with `Deno.errors.BrokenPipe` when nobody reads it any more. */
export const stdoutSink: ByteSink = sink("stdout", 1);

/** Our stderr, likewise. */
export const stderrSink: ByteSink = sink("stderr", 2);

function sink(name: string, fd: number): ByteSink {
  return {
    async write(bytes) {
      try {
        return await writeWaiting(fd, bytes);
      } catch (error) {
        // EPIPE; ECONNRESET when it is a socket.
        if (isCode(error, "unavailable")) throw new Deno.errors.BrokenPipe(`nobody reads ${name}`, { cause: error });
        if (!(error instanceof GantryError)) throw error;
        const { code, hint } = error;
        throw new GantryError(code, error.message.replace(`descriptor ${fd}`, name), { hint, cause: error });
      }
    },
  };
}

function isHungUp(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EIO";
}
