import assert from "node:assert/strict";
import fc from "fast-check";
import { StateRequest, StateResponse, TaskDefinition } from "../../../proto/gen/shim/task.ts";
import { Response } from "../../../proto/gen/ttrpc/request.ts";
import { GantryError } from "../../../lib/base/errors.ts";
import { methodOf } from "../../../lib/rpc/transport.ts";
import { connectTtrpc } from "../../../lib/rpc/ttrpc_transport.ts";
import { encodeFrame } from "../../../lib/wire/ttrpc_frame.ts";
import { test } from "../../support/test.ts";
import { TtrpcServer } from "./ttrpc_server.ts";

const state = methodOf({ fullName: "containerd.task.v3.Task" }, TaskDefinition.methods.state);
const request = { id: "x", execId: "" };

function stateOf(id: string): Uint8Array {
  return StateResponse.encode(StateResponse.fromPartial({ id, pid: 7 })).finish();
}

test("a call names its service, method and namespace, and gets its reply", async () => {
  await using server = await TtrpcServer.open(({ streamId }, peer) => peer.reply(streamId, { payload: stateOf("x") }));
  await using transport = await connectTtrpc(server.path);
  const reply = await transport.unary(state, request, { namespace: "ns" });
  assert.deepEqual([reply.id, reply.pid], ["x", 7]);
  const [call] = server.calls;
  assert.equal(call?.streamId, 1);
  assert.deepEqual(
    [call?.request.service, call?.request.method, call?.request.metadata],
    ["containerd.task.v3.Task", "State", [{ key: "containerd-namespace-ttrpc", value: "ns" }]],
  );
  assert.equal(StateRequest.decode(call?.request.payload ?? new Uint8Array()).id, "x");
});

test("D06 many calls at once have ids that grow, and each gets its own reply, whatever the order", async () => {
  const waiting: (() => Promise<void>)[] = [];
  await using server = await TtrpcServer.open(async ({ streamId, request: { payload } }, peer) => {
    waiting.push(() => peer.reply(streamId, { payload: stateOf(StateRequest.decode(payload).id) }));
    if (waiting.length === 100) { for (const answer of waiting.toReversed()) await answer(); }
  });
  await using transport = await connectTtrpc(server.path);
  const ids = Array.from({ length: 100 }, (_, i) => `c${i}`);
  const replies = await Promise.all(ids.map((id) => transport.unary(state, { id, execId: "" })));
  assert.deepEqual(replies.map(({ id }) => id), ids);
  assert.deepEqual(server.calls.map(({ streamId }) => streamId), ids.map((_, i) => 2 * i + 1));
});

test("an error of the server has its class and its words", async () => {
  await using server = await TtrpcServer.open(({ streamId }, peer) =>
    peer.reply(streamId, { code: 5, message: "container not created: not found" })
  );
  await using transport = await connectTtrpc(server.path);
  await assert.rejects(transport.unary(state, request), {
    name: "GantryError",
    code: "not_found",
    message: "container not created: not found",
  });
});

test("nobody at the socket, and no socket, are unavailable", async () => {
  const directory = await Deno.makeTempDir();
  await assert.rejects(connectTtrpc(`${directory}/none`), { code: "unavailable", message: /nobody listens/ });
  Deno.listen({ transport: "unix", path: `${directory}/dead` }).close();
  await Deno.writeTextFile(`${directory}/file`, "");
  await assert.rejects(connectTtrpc(`${directory}/file`), { code: "unavailable" });
  await Deno.remove(directory, { recursive: true });
});

test("a server that is silent ends a call at its deadline, and the connection is still good", async () => {
  let answer: (() => Promise<void>) | undefined;
  await using server = await TtrpcServer.open(({ streamId }, peer) => {
    const reply = (id: string): Promise<void> => peer.reply(streamId, { payload: stateOf(id) });
    if (answer !== undefined) return reply("second");
    answer = () => reply("first");
    return undefined;
  });
  await using transport = await connectTtrpc(server.path);
  await assert.rejects(transport.unary(state, request, { deadlineMs: 50 }), { code: "deadline_exceeded" });
  await answer?.();
  assert.equal((await transport.unary(state, request)).id, "second", "the late reply is nobody's");
});

test("an abort ends a call with cancelled, before it is sent and after", async () => {
  const aborter = new AbortController();
  await using server = await TtrpcServer.open(() => aborter.abort());
  await using transport = await connectTtrpc(server.path);
  await assert.rejects(transport.unary(state, request, { signal: aborter.signal }), { code: "cancelled" });
  await assert.rejects(transport.unary(state, request, { signal: aborter.signal }), { code: "cancelled" });
  assert.equal(server.calls.length, 1);
});

test("closing ends all calls with cancelled, at once and for ever", async () => {
  await using server = await TtrpcServer.open(() => {});
  const transport = await connectTtrpc(server.path);
  const calls = [1, 2, 3].map(() => transport.unary(state, request, { deadlineMs: Infinity }));
  transport.close();
  transport.close();
  for (const call of calls) await assert.rejects(call, { code: "cancelled" });
  await assert.rejects(transport.unary(state, request), { code: "cancelled" });
});

test("a server that goes, between messages or in one, ends all calls with unavailable", async () => {
  const torn = encodeFrame({ streamId: 1, type: "response", flags: 0, payload: new Uint8Array(100) }).subarray(0, 50);
  for (const [last, message] of [[new Uint8Array(), /was closed/], [torn, /torn/]] as const) {
    await using server = await TtrpcServer.open(async (_, peer) => {
      await peer.send(last);
      peer.close();
    });
    await using transport = await connectTtrpc(server.path);
    await assert.rejects(transport.unary(state, request, { deadlineMs: Infinity }), { code: "unavailable", message });
    await assert.rejects(transport.unary(state, request), { code: "unavailable" });
  }
});

test("a request that no server takes fails alone", async () => {
  await using server = await TtrpcServer.open(({ streamId }, peer) => peer.reply(streamId, { payload: stateOf("x") }));
  await using transport = await connectTtrpc(server.path);
  await assert.rejects(transport.unary(state, { id: "x".repeat(5 << 20), execId: "" }), { code: "resource_exhausted" });
  assert.equal((await transport.unary(state, request)).id, "x");
});

test("X01 replies that are junk are errors, never a crash or a hang", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom("frame", "reply", "bytes"),
      async (junk, how) => {
        await using server = await TtrpcServer.open(async ({ streamId }, peer) => {
          if (how === "reply") await peer.reply(streamId, { payload: junk });
          else if (how === "frame") {
            await peer.send(encodeFrame({ streamId, type: "response", flags: 0, payload: junk }));
          } else await peer.send(junk);
          peer.close();
        });
        await using transport = await connectTtrpc(server.path);
        const started = performance.now();
        try {
          await transport.unary(state, request, { deadlineMs: 5000 });
        } catch (error) {
          // Of any class: junk may be a status.
          assert.ok(error instanceof GantryError, String(error));
        }
        assert.ok(performance.now() - started < 4000, `silent on ${how} ${junk}`);
      },
    ),
    { numRuns: 150 },
  );
});

test("frames for calls that nobody made are passed over", async () => {
  await using server = await TtrpcServer.open(async ({ streamId }, peer) => {
    const payload = Response.encode({ status: undefined, payload: stateOf("other") }).finish();
    for (const id of [0, 2, streamId + 2, 0xffffffff]) {
      await peer.send(encodeFrame({ streamId: id, type: "response", flags: 0, payload }));
    }
    await peer.send(encodeFrame({ streamId, type: "data", flags: 0, payload }));
    await peer.reply(streamId, { payload: stateOf("mine") });
  });
  await using transport = await connectTtrpc(server.path);
  assert.equal((await transport.unary(state, request)).id, "mine");
});
