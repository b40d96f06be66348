import assert from "node:assert/strict";
import fc from "fast-check";
import { StateRequest, StateResponse, TaskDefinition } from "../../../proto/gen/shim/task.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import { type CallOptions, methodOf } from "../../../lib/rpc/transport.ts";
import { answer, answerStream, type CallContext, type Route, serveTtrpc } from "../../../lib/rpc/ttrpc_server.ts";
import { connectTtrpc, isNobodyListening } from "../../../lib/rpc/ttrpc_transport.ts";
import { encodeFrame, maxPayloadBytes } from "../../../lib/wire/ttrpc_frame.ts";
import { eventually } from "../../support/eventually.ts";
import { test } from "../../support/test.ts";
import { TtrpcServer as FakeServer } from "./ttrpc_server.ts";

const state = methodOf({ fullName: "test.Service" }, TaskDefinition.methods.state);
const watch = { ...state, name: "Watch" };

function reply(id: string): StateResponse {
  return StateResponse.fromPartial({ id });
}

const echo = answer(state, ({ id }: StateRequest, { namespace = "" }) => reply(`${namespace}/${id}`));

async function* count(request: StateRequest, { signal }: CallContext): AsyncIterable<StateResponse> {
  for (let i = 0; i < Number(request.id) && !signal.aborted; i++) {
    yield await Promise.resolve(reply(String(i)));
  }
}

async function withServer(
  routes: readonly Route[],
  body: (path: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await using server = await serveTtrpc(`${directory}/s`, { routes });
    await body(server.path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function idsOf(path: string, id: string, options: CallOptions = {}): Promise<readonly string[]> {
  await using client = await connectTtrpc(path);
  const ids: string[] = [];
  for await (const { id: next } of client.stream(watch, { id, execId: "" }, options)) ids.push(next);
  return ids;
}

test("a server answers calls with their namespace, and names the method it does not have", async () => {
  await withServer([echo], async (path) => {
    await using client = await connectTtrpc(path);
    assert.equal((await client.unary(state, { id: "a", execId: "" }, { namespace: "n" })).id, "n/a");
    await assert.rejects(client.unary(watch, { id: "a", execId: "" }), {
      code: "unimplemented",
      message: "service test.Service has no method Watch here",
    });
  });
});

test("what a handler throws reaches the caller with its class, in a call and in the midst of a stream", async () => {
  const failing = answer(state, () => {
    throw new GantryError("failed_precondition", "not now");
  });
  async function* half(): AsyncIterable<StateResponse> {
    yield await Promise.resolve(reply("first"));
    throw new GantryError("data_loss", "the rest is gone");
  }
  await withServer([failing, answerStream(watch, half)], async (path) => {
    await using client = await connectTtrpc(path);
    await assert.rejects(client.unary(state, { id: "", execId: "" }), {
      code: "failed_precondition",
      message: "not now",
    });
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const { id } of client.stream(watch, { id: "", execId: "" })) seen.push(id);
    }, { code: "data_loss", message: "the rest is gone" });
    assert.deepEqual(seen, ["first"]);
  });
});

test("a stream gives every message in order and then ends, also when it is empty", async () => {
  await withServer([answerStream(watch, count)], async (path) => {
    assert.deepEqual(await idsOf(path, "0"), []);
    assert.deepEqual(await idsOf(path, "1000"), Array.from({ length: 1000 }, (_, i) => String(i)));
  });
});

test("streams and calls share a connection", async () => {
  await withServer([echo, answerStream(watch, count)], async (path) => {
    await using client = await connectTtrpc(path);
    const one = client.stream(watch, { id: "3", execId: "" })[Symbol.asyncIterator]();
    const two = client.stream(watch, { id: "2", execId: "" })[Symbol.asyncIterator]();
    const seen: (string | undefined)[] = [];
    for (const next of [one, two, one, two, two, one, one]) seen.push((await next.next()).value?.id);
    assert.deepEqual(seen, ["0", "0", "1", "1", undefined, "2", undefined]);
    assert.equal((await client.unary(state, { id: "x", execId: "" })).id, "/x");
  });
});

test("a loop that is left ends the stream at the server, and the connection stays good", async () => {
  let ended = false;
  async function* endless(_: StateRequest, { signal }: CallContext): AsyncIterable<StateResponse> {
    try {
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => aborted.resolve());
      yield reply("one");
      await aborted.promise;
    } finally {
      ended = true;
    }
  }
  await withServer([echo, answerStream(watch, endless)], async (path) => {
    await using client = await connectTtrpc(path);
    for await (const _ of client.stream(watch, { id: "", execId: "" })) break;
    await eventually(() => ended, { what: "the handler's end" });
    assert.equal((await client.unary(state, { id: "x", execId: "" })).id, "/x");
  });
});

test("an abort, a deadline and a close end a stream that waits", async () => {
  async function* silent(_: StateRequest, { signal }: CallContext): AsyncIterable<StateResponse> {
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => aborted.resolve());
    await aborted.promise;
    yield* [];
  }
  await withServer([answerStream(watch, silent)], async (path) => {
    await assert.rejects(idsOf(path, "", { deadlineMs: 50 }), { code: "deadline_exceeded" });
    const aborter = new AbortController();
    const aborted = idsOf(path, "", { signal: aborter.signal });
    aborter.abort();
    await assert.rejects(aborted, { code: "cancelled" });
    await using client = await connectTtrpc(path);
    const next = client.stream(watch, { id: "", execId: "" })[Symbol.asyncIterator]().next();
    client.close();
    await assert.rejects(next, { code: "cancelled" });
    await client.closed;
    assert.equal(client.isClosed, true);
  });
});

test("a server that goes ends a stream with unavailable, not as if it were complete", async () => {
  await using server = await FakeServer.open(async ({ streamId }, peer) => {
    const payload = StateResponse.encode(reply("a")).finish();
    await peer.send(encodeFrame({ streamId, type: "data", flags: 0, payload }));
    peer.close();
  });
  await assert.rejects(idsOf(server.path, ""), { code: "unavailable" });
});

test("a stream that ends with a reply, as other servers may do, is complete", async () => {
  await using server = await FakeServer.open(async ({ streamId }, peer) => {
    const payload = StateResponse.encode(reply("a")).finish();
    await peer.send(encodeFrame({ streamId, type: "data", flags: 0, payload }));
    await peer.reply(streamId, { payload: StateResponse.encode(reply("last")).finish() });
  });
  assert.deepEqual(await idsOf(server.path, ""), ["a", "last"]);
});

test("a reader that is slow slows the server down, and loses nothing", async () => {
  let sent = 0;
  async function* large(): AsyncIterable<StateResponse> {
    for (; sent < 64; sent++) yield await Promise.resolve(reply("x".repeat(1 << 20)));
  }
  await withServer([answerStream(watch, large)], async (path) => {
    await using client = await connectTtrpc(path);
    const replies = client.stream(watch, { id: "", execId: "" }, { deadlineMs: Infinity })[Symbol.asyncIterator]();
    await replies.next();
    let last = -1;
    await eventually(() => {
      const still = sent === last;
      last = sent;
      return still;
    }, { what: "the server's standstill", everyMs: 200 });
    assert.ok(sent < 40, `${sent} MiB were sent to a reader that took one`);
    let got = 1;
    while (!(await replies.next()).done) got++;
    assert.equal(got, 64);
  });
});

test("a reply over the limit is resource_exhausted for its call alone", async () => {
  const huge = answer(state, ({ id }: StateRequest) => reply(id === "huge" ? "x".repeat(maxPayloadBytes + 1) : id));
  await withServer([huge], async (path) => {
    await using client = await connectTtrpc(path);
    await assert.rejects(client.unary(state, { id: "huge", execId: "" }), { code: "resource_exhausted" });
    assert.equal((await client.unary(state, { id: "small", execId: "" })).id, "small");
  });
});

test("D06 junk, torn frames and lengths over the limit end their own connection only", async () => {
  await withServer([echo], async (path) => {
    const tooLong = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 1, 0]);
    const torn = encodeFrame({ streamId: 1, type: "request", flags: 0, payload: new Uint8Array(50) }).subarray(0, 30);
    const framed = (payload: Uint8Array): Uint8Array =>
      encodeFrame({ streamId: 1, type: "request", flags: 0, payload });
    const send = async (bytes: Uint8Array): Promise<void> => {
      using connection = await Deno.connect({ transport: "unix", path });
      await connection.write(bytes).catch(() => {});
    };
    await send(tooLong);
    await send(torn);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.boolean(), async (junk, isFramed) => {
        await send(isFramed ? framed(junk) : junk);
      }),
      { numRuns: 200 },
    );
    await using client = await connectTtrpc(path);
    assert.equal((await client.unary(state, { id: "still", execId: "" })).id, "/still");
  });
});

test("D07 a dead server's socket is taken over, a living one's is not", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/s`;
  await (await serveTtrpc(path, { routes: [echo], leaveSocket: true })).close();
  await assert.rejects(connectTtrpc(path), (error) => isNobodyListening(error));
  assert.equal((await Deno.lstat(path)).isSocket, true, "the socket stays: refused is quick, missing is slow");
  {
    await using _server = await serveTtrpc(path, { routes: [echo] });
    assert.equal(((await Deno.lstat(path)).mode ?? 0) & 0o777, 0o600);
    await assert.rejects(serveTtrpc(path, { routes: [echo] }), { code: "already_exists", message: /somebody listens/ });
    await using client = await connectTtrpc(path);
    assert.equal((await client.unary(state, { id: "x", execId: "" })).id, "/x");
  }
  await assert.rejects(connectTtrpc(path), (error) => isNobodyListening(error));
  await Deno.remove(directory);
});

test("closing a server ends the calls that run, and their handlers are told", async () => {
  let isTold = false;
  const directory = await Deno.makeTempDir();
  const waiting = answer(state, async (_: StateRequest, { signal }) => {
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => aborted.resolve());
    await aborted.promise;
    isTold = true;
    return reply("late");
  });
  const server = await serveTtrpc(`${directory}/s`, { routes: [waiting] });
  await using client = await connectTtrpc(server.path);
  const call = client.unary(state, { id: "x", execId: "" });
  call.catch(() => {});
  await eventually(() => client.unary(watch, { id: "", execId: "" }).then(() => false, () => true), {
    what: "a reply",
  });
  await Promise.all([server.close(), server.close()]);
  await assert.rejects(call, { code: "unavailable" });
  assert.equal(isTold, true);
  await Deno.remove(directory);
});
