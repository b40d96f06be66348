import assert from "node:assert/strict";
import { openNames } from "../../../lib/engine/names.ts";
import { test } from "../../support/test.ts";

/** A store in a new directory, over a set of living containers. */
async function withStore(
  body: (open: (alive: Set<string>) => ReturnType<typeof openNames>, root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await body(
      (alive) => openNames({ root, state: root }, { namespace: "n", exists: (id) => Promise.resolve(alive.has(id)) }),
      root,
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

test("T12 a name is found again by whoever opens the store", async () => {
  await withStore(async (open) => {
    await open(new Set()).claim("web", "a".repeat(64));
    assert.equal(await open(new Set()).lookup("web"), "a".repeat(64));
    assert.equal(await open(new Set()).lookup("other"), undefined);
  });
});

test("T12 of twenty claims for one name at the same time exactly one wins", async () => {
  await withStore(async (open) => {
    const store = open(new Set());
    const ids = Array.from({ length: 20 }, (_, i) => `id${i}`);
    const results = await Promise.allSettled(ids.map((id) => store.claim("web", id)));
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    const winner = ids[results.findIndex(({ status }) => status === "fulfilled")];
    assert.equal(await store.lookup("web"), winner);
  });
});

test("T12 the name of a living container is refused, with the container's id", async () => {
  await withStore(async (open) => {
    const store = open(new Set(["first"]));
    await store.claim("web", "first");
    await assert.rejects(store.claim("web", "second"), { code: "already_exists", message: /web.*first/ });
  });
});

test("T12 the name of a container that is gone, claimed by a process that is gone, is taken over", async () => {
  await withStore(async (open, root) => {
    await Deno.mkdir(`${root}/names/n`, { recursive: true });
    await Deno.writeTextFile(`${root}/names/n/web`, JSON.stringify({ id: "old", pid: Deno.pid, startTime: "1" }));
    const store = open(new Set());
    await store.claim("web", "new");
    assert.equal(await store.lookup("web"), "new");
  });
});

test("a torn or empty name file is no claim", async () => {
  for (const content of ["", '{"id"', "[]", "null"]) {
    await withStore(async (open, root) => {
      await Deno.mkdir(`${root}/names/n`, { recursive: true });
      await Deno.writeTextFile(`${root}/names/n/web`, content);
      const store = open(new Set());
      assert.equal(await store.lookup("web"), undefined);
      await store.claim("web", "new");
      assert.equal(await store.lookup("web"), "new");
    });
  }
});

test("a name is released only by the container that has it", async () => {
  await withStore(async (open) => {
    const store = open(new Set());
    await store.claim("web", "a");
    await store.release("web", "b");
    assert.equal(await store.lookup("web"), "a");
    await store.release("web", "a");
    assert.equal(await store.lookup("web"), undefined);
    await store.release("web", "a");
  });
});

test("claims leave no other file in the directory", async () => {
  await withStore(async (open, root) => {
    const store = open(new Set(["a"]));
    await store.claim("web", "a");
    await assert.rejects(store.claim("web", "b"));
    assert.deepEqual(Array.from(Deno.readDirSync(`${root}/names/n`), ({ name }) => name), ["web"]);
  });
});
