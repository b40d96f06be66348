import assert from "node:assert/strict";
import fc from "fast-check";
import { EventsDefinition, ForwardRequest } from "../../../proto/gen/events/forward.ts";
import { TaskExit, TaskStart } from "../../../proto/gen/events/task.ts";
import { methodOf } from "../../../lib/rpc/transport.ts";
import { connectTtrpc } from "../../../lib/rpc/ttrpc_transport.ts";
import { type EventServerOptions, serveShimEvents, type ShimEvent } from "../../../lib/shim/event_server.ts";
import { decodeTaskEvent } from "../../../lib/wire/task_event.ts";
import { test } from "../../support/test.ts";

const forward = methodOf(EventsDefinition, EventsDefinition.methods.forward);

function request(topic: string, event: { typeUrl: string; value: Uint8Array } | undefined, nanos = 1): ForwardRequest {
  return ForwardRequest.fromPartial({
    envelope: { timestamp: { seconds: 1_700_000_000n, nanos }, namespace: "n", topic, ...(event && { event }) },
  });
}

function started(containerId: string, nanos = 1): ForwardRequest {
  const value = TaskStart.encode({ containerId, pid: 7 }).finish();
  return request("/tasks/start", { typeUrl: "containerd.events.TaskStart", value }, nanos);
}

async function withServer(
  options: Partial<EventServerOptions>,
  body: (send: (request: ForwardRequest) => Promise<unknown>, events: ShimEvent[], path: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const events: ShimEvent[] = [];
  try {
    await using server = await serveShimEvents(`${directory}/e`, {
      onEvent: (event) => events.push(event),
      ...options,
    });
    await using client = await connectTtrpc(server.path);
    await body((message) => client.unary(forward, message, { namespace: "n", deadlineMs: 5000 }), events, server.path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

test("D07 an event is answered and told, with what is in it", async () => {
  await withServer({}, async (send, events) => {
    await send(started("c"));
    const value = TaskExit.encode({
      containerId: "c",
      id: "e",
      pid: 8,
      exitStatus: 3,
      exitedAt: { seconds: 1_700_000_001n, nanos: 0 },
    }).finish();
    await send(request("/tasks/exit", { typeUrl: "containerd.events.TaskExit", value }));
    const at = 1_700_000_000_000;
    assert.deepEqual(events, [
      {
        kind: "start",
        containerId: "c",
        execId: undefined,
        pid: 7,
        exit: undefined,
        namespace: "n",
        topic: "/tasks/start",
        at,
      },
      {
        kind: "exit",
        containerId: "c",
        execId: "e",
        pid: 8,
        exit: { code: 3, exitedAt: 1_700_000_001_000, exact: true },
        namespace: "n",
        topic: "/tasks/exit",
        at,
      },
    ]);
  });
});

test("D07 an event that comes twice is told once, and disorder is passed on", async () => {
  await withServer({ rememberedEvents: 3 }, async (send, events) => {
    for (const nanos of [5, 2, 5, 9, 2]) await send(started("c", nanos));
    assert.deepEqual(events.map(({ containerId }) => containerId), ["c", "c", "c"]);
    // Forgotten meanwhile: told again rather than remembered for ever.
    for (const nanos of [11, 12, 13, 5]) await send(started("c", nanos));
    assert.equal(events.length, 7);
  });
});

test("D07 a handler that fails and an event that cannot be read are answered all the same", async () => {
  let told = 0;
  const onEvent = (): void => {
    told++;
    throw new Error("no");
  };
  await withServer({ onEvent }, async (send) => {
    await send(started("c"));
    await send(request("/tasks/exit", { typeUrl: "containerd.events.TaskExit", value: new Uint8Array([0xff]) }));
    await send(request("/other", { typeUrl: "some.Thing", value: new Uint8Array([1]) }));
    await send(request("/tasks/none", undefined));
    await send(ForwardRequest.fromPartial({}));
    await send(started("c", 2));
    assert.equal(told, 2);
  });
});

test("D06 the event server survives junk in place of events", async () => {
  await withServer({}, async (send, events, path) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (value, isRaw) => {
        if (!isRaw) return void await send(request("/tasks/exit", { typeUrl: "containerd.events.TaskExit", value }, 7));
        using connection = await Deno.connect({ transport: "unix", path });
        await connection.write(value).catch(() => {});
      }),
      { numRuns: 150 },
    );
    events.length = 0;
    await send(started("after"));
    assert.deepEqual(events.map(({ containerId }) => containerId), ["after"]);
  });
});

test("every type of a task's events has its name, and others have none", () => {
  const value = TaskStart.encode({ containerId: "c", pid: 0 }).finish().slice(0, 3);
  const kinds = [
    "Create",
    "Start",
    "Delete",
    "Exit",
    "OOM",
    "ExecAdded",
    "ExecStarted",
    "Paused",
    "Resumed",
    "Checkpointed",
  ]
    .map((name) => decodeTaskEvent({ typeUrl: `containerd.events.Task${name}`, value })?.kind);
  assert.deepEqual(kinds, [
    "create",
    "start",
    "delete",
    "exit",
    "oom",
    "exec-added",
    "exec-started",
    "paused",
    "resumed",
    "checkpointed",
  ]);
  for (
    const typeUrl of [
      "",
      "containerd.events.ImageCreate",
      "containerd.events.constructor",
      "x.containerd.events.TaskStart",
    ]
  ) {
    assert.equal(decodeTaskEvent({ typeUrl, value }), undefined, typeUrl);
  }
});
