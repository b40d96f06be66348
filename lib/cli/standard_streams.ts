/**
 * stdin, stdout and stderr as a container's streams. Whoever shares them (ssh, a node parent) may have made them
 * non-blocking, for us too: a read or write that would block then fails, which is no end and no error.
 */
import { untilReady } from "../base/poller.ts";
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

/** Our stdout. */
export const stdoutSink: ByteSink = patient(Deno.stdout, 1);

/** Our stderr. */
export const stderrSink: ByteSink = patient(Deno.stderr, 2);

function patient(stream: ByteSink, fd: number): ByteSink {
  return {
    async write(bytes) {
      for (;;) {
        try {
          return await stream.write(bytes);
        } catch (error) {
          if (!(error instanceof Deno.errors.WouldBlock)) throw error;
          await untilReady(fd, "writable");
        }
      }
    },
  };
}

function isHungUp(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EIO";
}
