import type { Clock } from "../base/clock.ts";
import { closeFd } from "../base/libc_files.ts";
import { connectedTo } from "../base/libc_socket.ts";
import { type DetachedChild, spawnWatcher } from "../base/spawn_detached.ts";

/**
 * When this process is gone (its end of the pipe is closed), until the shim's answer is there or the shim is not: the socket
 * is one that does not block, so that it is looked at again and again.
 */
const script = "read -r x; until head -c 1 <&3; do sleep 0.1; done";

/**
 * Keeps a connection open beyond the end of this process, however that comes, until it is disposed: for a call that must not
 * stop half-way. The server of a shim cancels what it does for a connection that closes, and with it kills the runc that
 * does it: an exec that has begun then runs on and nobody knows it, and a container stays frozen over its checkpoint.
 */
export class HeldConnection implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #child: DetachedChild | undefined;
  readonly #writer: number | undefined;

  /** `path` is where the shim listens. Without a connection there is nothing to hold. */
  constructor(path: string, clock: Clock) {
    this.#clock = clock;
    const third = connectedTo(path);
    if (third === undefined) return;
    const { child, writer } = spawnWatcher("/bin/sh", { args: ["-c", script], env: {}, cwd: "/", third });
    this.#child = child;
    this.#writer = writer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child !== undefined && !child.hasEnded) Deno.kill(child.pid, "SIGKILL");
    if (this.#writer !== undefined) closeFd(this.#writer);
    await child?.ended({ clock: this.#clock });
  }
}
