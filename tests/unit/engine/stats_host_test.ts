import assert from "node:assert/strict";
import { hostMemory, parseHostMemory } from "../../../lib/engine/stats/host_memory.ts";
import { parseNetDev, readNetwork } from "../../../lib/engine/stats/network.ts";
import { firstReason, needsRoot, test } from "../../support/test.ts";

const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  123456     100    0    0    0     0          0         0   123456     100    0    0    0     0       0          0
  eth0: 9007199254740993 16    0    0    0     0          0         0      728       9    0    0    0     0       0          0
eth1:5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0
eth0:1:      3       1    0    0    0     0          0         0        4       1    0    0    0     0       0          0
`;

test("T10 network counters are the sum of all interfaces but the loopback", () => {
  assert.deepEqual(parseNetDev(netDev), { receivedBytes: 9007199254740993 + 8, sentBytes: 728 + 7 + 4 });
  assert.deepEqual(parseNetDev(""), { receivedBytes: 0, sentBytes: 0 });
});

test("a process in our own network has no counters of its own, nor has one that is not there", () => {
  assert.equal(readNetwork(Deno.pid), undefined);
  for (const pid of [0, -1, 1.5, NaN, 2 ** 31 - 1]) assert.equal(readNetwork(pid), undefined);
});

function needsUnshare(): string | undefined {
  try {
    const { success } = new Deno.Command("unshare", { args: ["-n", "true"], stderr: "null" }).outputSync();
    return success ? undefined : "unshare -n does not work here";
  } catch {
    return "unshare is not installed";
  }
}

test("T10 the counters of a process in a network of its own start at zero", {
  skip: firstReason(needsRoot(), needsUnshare()),
}, async () => {
  const child = new Deno.Command("unshare", {
    args: ["-n", "sh", "-c", "echo; read _"],
    stdin: "piped",
    stdout: "piped",
  })
    .spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  assert.deepEqual(readNetwork(child.pid), { receivedBytes: 0, sentBytes: 0 });
  await child.stdin.close();
  await reader.cancel();
  await child.status;
});

test("the host's memory is MemTotal in bytes", () => {
  assert.equal(parseHostMemory("MemTotal:        4013452 kB\nMemFree: 1 kB\n"), 4013452 * 1024);
  assert.throws(() => parseHostMemory("MemFree: 1 kB\n"), { code: "data_loss" });
  assert.ok(hostMemory() > 2 ** 26);
});
