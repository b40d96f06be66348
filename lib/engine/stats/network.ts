/** Bytes that went through the network interfaces of a container, all but the loopback. */
export interface NetworkCounters {
  /** Bytes received. */
  readonly receivedBytes: number;
  /** Bytes sent. */
  readonly sentBytes: number;
}

/**
 * The counters of the network namespace that a process is in. Undefined when nobody may look, when the process has gone,
 * and when it shares the network of this process: what goes through the host's interfaces is not the container's.
 */
export function readNetwork(pid: number): NetworkCounters | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    // Synchronous, as all reads of /proc: the kernel answers at once, and FIFOs may hold Deno's blocking threads.
    if (Deno.readLinkSync(`/proc/${pid}/ns/net`) === Deno.readLinkSync("/proc/self/ns/net")) return undefined;
    return parseNetDev(Deno.readTextFileSync(`/proc/${pid}/net/dev`));
  } catch {
    return undefined;
  }
}

/** Sums up the text of /proc/PID/net/dev. */
export function parseNetDev(text: string): NetworkCounters {
  let receivedBytes = 0;
  let sentBytes = 0;
  for (const line of text.split("\n")) {
    // "  eth0: 1296 16 0 0 0 0 0 0 728 9 …": of the numbers the first is bytes received, the ninth bytes sent. An alias
    // has a colon in its name too.
    const match = /^\s*(\S+):\s*(\d[\d\s]*)$/.exec(line);
    if (match === null || match[1] === "lo") continue;
    const numbers = (match[2] ?? "").trim().split(/\s+/).map(Number);
    receivedBytes += numbers[0] ?? 0;
    sentBytes += numbers[8] ?? 0;
  }
  return { receivedBytes, sentBytes };
}
