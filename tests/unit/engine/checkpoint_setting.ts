/** What tests of checkpoints share. */
import type { CheckpointRef } from "../../../lib/engine/checkpoint/checkpoint_name.ts";
import type { CheckpointRecord } from "../../../lib/engine/checkpoint/checkpoint_record.ts";
import { type CheckpointFacts, openCheckpoints } from "../../../lib/engine/checkpoint/checkpoint_store.ts";
import { FakeClock } from "../base/fake_clock.ts";

/** A checkpoint that tests make. */
export const ref: CheckpointRef = { namespace: "default", container: "c0ffee", name: "one" };

/** What a caller knows of it. */
export const facts: CheckpointFacts = {
  containerName: "web",
  parent: "a".repeat(64),
  kernel: "6.18.0",
  criuVersion: "4.2.1",
  runtime: "io.containerd.runc.v2",
  durationMs: 120.5,
  leftRunning: true,
  options: { tcpEstablished: true, fileLocks: true },
  pausedMs: 250,
  files: [{ name: "hosts", content: "127.0.0.1 localhost\n", mode: 0o644 }],
  rootfs: { path: "/rootfs", overlay: true, saved: true },
  labels: { "gantry/name": "web" },
  spec: {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      cwd: "/",
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 2 ** 64, soft: 1024 }],
    },
    root: { path: "/rootfs" },
  },
};

/** The bytes of a stats-dump file that CRIU 4.1.1 wrote. */
export const statsDump: Uint8Array = Uint8Array.fromHex(
  "4059105506330957230000000a2108920610be96061" + "8fb0620a4012831300038234000480050085808600068007000",
);

/** The bytes of a stats-restore file that CRIU 4.1.1 wrote. */
export const statsRestore: Uint8Array = Uint8Array.fromHex(
  "4059105506330957" + "0f000000120d0809100218fd0220b8d7072821",
);

/** A complete checkpoint with files that look like CRIU's, and changes of its root filesystem when given. */
export async function makeCheckpoint(
  root: string,
  given: { readonly ref?: CheckpointRef; readonly images?: Readonly<Record<string, string | Uint8Array>> } = {},
): Promise<CheckpointRecord> {
  const store = openCheckpoints(root, { clock: new FakeClock(1_700_000_000_000) });
  await using made = await store.begin(given.ref ?? ref);
  const images = { "inventory.img": "inventory", "pages-1.img": new Uint8Array(70_000), ...given.images };
  for (const [name, content] of Object.entries(images)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${made.paths.images}/${name}`, bytes);
  }
  await Deno.writeFile(`${made.paths.work}/stats-dump`, statsDump);
  await Deno.writeTextFile(`${made.paths.work}/dump.log`, "(00.1) Dumping finished successfully\n");
  return await made.complete(facts);
}
