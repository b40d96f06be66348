import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { isCode } from "../../../lib/base/errors.ts";
import { removeStaleSocket, socketState } from "../../../lib/supervisor/probe.ts";
import { test } from "../../support/test.ts";
import { eventually, running } from "../base/processes.ts";
import { place } from "./temporary.ts";

const clock = systemClock;

test("socketState() tells a listening socket from a stale one, none, and another file", async () => {
  await using here = await place();
  const path = `${here.path}/x.sock`;
  assert.equal(await socketState(path), "missing");
  const listener = Deno.listen({ transport: "unix", path });
  assert.equal(await socketState(path), "listening");
  listener.close();
  await leaveStale(path);
  assert.equal(await socketState(path), "stale");
  await Deno.writeTextFile(`${here.path}/file`, "");
  assert.equal(await socketState(`${here.path}/file`), "not_a_socket");
});

test("a stale socket is removed, a living one and another file are not", async () => {
  await using here = await place();
  const path = `${here.path}/x.sock`;
  await removeStaleSocket(path, { clock });
  await leaveStale(path);
  await removeStaleSocket(path, { clock });
  assert.equal(await socketState(path), "missing");
  using _listener = Deno.listen({ transport: "unix", path });
  await assert.rejects(removeStaleSocket(path, { clock }), (error) => isCode(error, "failed_precondition"));
  assert.equal(await socketState(path), "listening");
  await Deno.writeTextFile(`${here.path}/file`, "precious");
  await assert.rejects(removeStaleSocket(`${here.path}/file`, { clock }), /is not a socket/);
  assert.equal(await Deno.readTextFile(`${here.path}/file`), "precious");
});

test("S12 a socket that a killed process still holds for a moment is waited for", async () => {
  await using here = await place();
  const path = `${here.path}/x.sock`;
  const holder = listenElsewhere(path);
  await eventually(async () => await socketState(path) === "listening");
  const removed = removeStaleSocket(path, { clock });
  setTimeout(() => holder.kill("SIGKILL"), 60);
  await removed;
  assert.equal(await socketState(path), "missing");
  await holder[Symbol.asyncDispose]();
});

/** Leaves the socket of a process that was killed. */
async function leaveStale(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {});
  const holder = listenElsewhere(path);
  await eventually(async () => await socketState(path) === "listening");
  await holder[Symbol.asyncDispose]();
}

/** A process that listens there until it is killed. */
function listenElsewhere(path: string): ReturnType<typeof running> {
  const listen = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} })`;
  return running(Deno.execPath(), ["eval", `for await (const connection of ${listen}) connection.close();`]);
}
