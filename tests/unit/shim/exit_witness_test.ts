import assert from "node:assert/strict";
import { Status } from "../../../proto/gen/containerd/task.ts";
import { StateResponse, WaitResponse } from "../../../proto/gen/shim/task.ts";
import { readShimAddress } from "../../../lib/shim/bundle_address.ts";
import { witnessExit } from "../../../lib/shim/exit_witness.ts";
import { test } from "../../support/test.ts";
import { type Call, type Peer, TtrpcServer } from "../rpc/ttrpc_server.ts";

const exitedAt = { seconds: 1_700_000_000n, nanos: 500_000_000 };
const options = { id: "c", namespace: "n" };

async function withShim(
  onCall: (call: Call, peer: Peer) => Promise<void> | void,
  body: (bundle: string, server: TtrpcServer) => Promise<void>,
): Promise<void> {
  await using server = await TtrpcServer.open(onCall);
  const bundle = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${bundle}/address`, `unix://${server.path}`);
    await body(bundle, server);
  } finally {
    await Deno.remove(bundle, { recursive: true });
  }
}

function state(status: Status): Uint8Array {
  const stopped = status === Status.STOPPED ? { exitStatus: 42, exitedAt } : {};
  return StateResponse.encode(StateResponse.fromPartial({ id: "c", pid: 7, status, ...stopped })).finish();
}

test("S12 a shim whose task has ended tells how from its state", async () => {
  await withShim(
    ({ streamId }, peer) => peer.reply(streamId, { payload: state(Status.STOPPED) }),
    async (bundle, server) => {
      await using witness = await witnessExit(bundle, options);
      assert.deepEqual(await witness?.exit, { code: 42, exitedAt: 1_700_000_000_500, exact: true });
      assert.deepEqual(server.calls.map(({ request }) => `${request.service}/${request.method}`), [
        "containerd.task.v2.Task/State",
      ]);
    },
  );
});

test("S12 a shim whose task runs is waited for", async () => {
  let end: (() => Promise<void>) | undefined;
  await withShim(({ streamId, request }, peer) => {
    if (request.method === "State") return peer.reply(streamId, { payload: state(Status.RUNNING) });
    const payload = WaitResponse.encode({ exitStatus: 0, exitedAt }).finish();
    end = () => peer.reply(streamId, { payload });
    return undefined;
  }, async (bundle, server) => {
    await using witness = await witnessExit(bundle, options);
    while (server.calls.length < 2) await Deno.stat("/");
    assert.equal(await witness?.answers(), true);
    await end?.();
    assert.deepEqual(await witness?.exit, { code: 0, exitedAt: 1_700_000_000_500, exact: true });
  });
});

test("S12 a shim that knows nothing, never saw the end, or goes away tells nothing, and never success", async () => {
  const ways: readonly ((call: Call, peer: Peer) => Promise<void> | void)[] = [
    ({ streamId }, peer) => peer.reply(streamId, { code: 5, message: "container not created: not found" }),
    // A process that never ran: status 0 and no time.
    ({ streamId }, peer) => {
      const payload = StateResponse.encode(StateResponse.fromPartial({ status: Status.STOPPED })).finish();
      return peer.reply(streamId, { payload });
    },
    (_, peer) => peer.close(),
  ];
  for (const way of ways) {
    await withShim(way, async (bundle) => {
      await using witness = await witnessExit(bundle, options);
      assert.notEqual(witness, undefined);
      assert.equal(await witness?.exit, undefined);
    });
  }
});

test("a bundle without a shim has no witness", async () => {
  const bundle = await Deno.makeTempDir();
  assert.equal(await witnessExit(bundle, options), undefined);
  await Deno.writeTextFile(`${bundle}/address`, `unix://${bundle}/nobody`);
  assert.equal(await witnessExit(bundle, options), undefined);
  await Deno.remove(bundle, { recursive: true });
});

test("D01 a shim's address is read from bootstrap.json, with the service of its version, or from address", async () => {
  const bundle = await Deno.makeTempDir();
  const v2 = "containerd.task.v2.Task";
  await Deno.writeTextFile(`${bundle}/address`, "unix:///run/containerd/s/old\n");
  assert.deepEqual(await readShimAddress(bundle), { path: "/run/containerd/s/old", service: v2 });
  for (const [version, service] of [[2, v2], [3, "containerd.task.v3.Task"]] as const) {
    const text = JSON.stringify({ version, address: "unix:///run/containerd/s/new", protocol: "ttrpc" });
    await Deno.writeTextFile(`${bundle}/bootstrap.json`, text);
    assert.deepEqual(await readShimAddress(bundle), { path: "/run/containerd/s/new", service });
  }
  for (
    const junk of [
      "",
      "{",
      "null",
      "[]",
      '{"address":7}',
      '{"version":3,"address":"vsock://2:1"}',
      '{"address":"unix://rel"}',
    ]
  ) {
    await Deno.writeTextFile(`${bundle}/bootstrap.json`, junk);
    assert.equal(await readShimAddress(bundle), undefined, junk);
  }
  await Deno.remove(bundle, { recursive: true });
  assert.equal(await readShimAddress(bundle), undefined);
});
