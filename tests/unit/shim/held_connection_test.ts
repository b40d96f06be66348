import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { loadLibc } from "../../../lib/base/libc.ts";
import { HeldConnection } from "../../../lib/shim/held_connection.ts";
import { test } from "../../support/test.ts";
import { temporaryDirectory } from "../base/directories.ts";

loadLibc();

const lib = new URL("../../../lib/", import.meta.url);

/** Connects to the path that is its argument, holds that, says so, and is killed; or lets go of it first. */
const program = `
import { systemClock } from "${new URL("base/clock.ts", lib)}";
import { HeldConnection } from "${new URL("shim/held_connection.ts", lib)}";
const [path, what] = Deno.args;
const connection = await Deno.connect({ transport: "unix", path });
const held = new HeldConnection(path, systemClock);
if (what === "done") await held[Symbol.asyncDispose]();
await connection.write(new TextEncoder().encode(what));
await new Promise((resolve) => setTimeout(resolve, 60_000));
`;

/** What one end reads next; undefined when the connection has ended. */
async function read(connection: Deno.Conn): Promise<string | undefined> {
  const buffer = new Uint8Array(100);
  const length = await connection.read(buffer);
  return length === null ? undefined : new TextDecoder().decode(buffer.subarray(0, length));
}

/** Has a process connect that is killed over `what`; gives the other end. */
async function connectionOfTheKilled(listener: Deno.UnixListener, path: string, what: string): Promise<Deno.UnixConn> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program, path, what],
    stdin: "null",
  }).spawn();
  const connection = await listener.accept();
  assert.equal(await read(connection), what);
  child.kill("SIGKILL");
  await child.status;
  return connection;
}

test("a call goes on until it is answered, though who made it was killed", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/s`;
  using listener = Deno.listen({ transport: "unix", path });
  using connection = await connectionOfTheKilled(listener, path, "calling");
  const end = read(connection);
  const soon = new Promise((resolve) => setTimeout(resolve, 200, "open"));
  assert.equal(await Promise.race([end, soon]), "open");
  await connection.write(new TextEncoder().encode("!"));
  assert.equal(await end, undefined);
});

test("after its call a connection ends with its process", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/s`;
  using listener = Deno.listen({ transport: "unix", path });
  using connection = await connectionOfTheKilled(listener, path, "done");
  assert.equal(await read(connection), undefined);
});

test("without a connection nothing is held", async () => {
  await using _held = new HeldConnection("/nowhere/s", systemClock);
});
