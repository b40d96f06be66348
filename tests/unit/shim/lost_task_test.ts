import assert from "node:assert/strict";
import { type Bundle, bundleOf, createBundle, listBundles } from "../../../lib/shim/bundle.ts";
import { forgetLost, keepLost, lostCode, readLost, takeLost } from "../../../lib/shim/lost_task.ts";
import { test } from "../../support/test.ts";

async function withBundle(body: (bundle: Bundle, file: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/n`);
    await body(bundleOf(root, { namespace: "n", id: "c.1" }), `${root}/n/.lost-c.1`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const exit = { code: 9, exitedAt: 1_700_000_000_123, exact: true };

test("D04 the end of a lost task is kept until one of those who take it has it", async () => {
  await withBundle(async (bundle) => {
    assert.equal(await readLost(bundle), undefined);
    assert.equal(await takeLost(bundle), undefined);
    assert.deepEqual(await keepLost(bundle, exit), exit);
    assert.deepEqual(await readLost(bundle), exit);
    const taken = await Promise.all([takeLost(bundle), takeLost(bundle), takeLost(bundle)]);
    assert.deepEqual(taken.filter((each) => each !== undefined), [exit]);
    assert.equal(await readLost(bundle), undefined);
  });
});

test("D04 the end that was kept first counts, unless it was cut off", async () => {
  await withBundle(async (bundle, file) => {
    await keepLost(bundle, exit);
    assert.deepEqual(await keepLost(bundle, { ...exit, code: 137, exact: false }), exit);
    await Deno.writeTextFile(file, '{"code":9,"exi');
    const other = { code: 137, exitedAt: 5, exact: false };
    assert.deepEqual(await keepLost(bundle, other), other);
    assert.deepEqual(await readLost(bundle), other);
  });
});

test("D04 a file that was cut off says that the task was lost, and when it was written", async () => {
  await withBundle(async (bundle, file) => {
    for (const text of ["", "{", '{"code":"9"}', "[]"]) {
      await Deno.writeTextFile(file, text);
      await Deno.utime(file, 1000, 1000);
      assert.deepEqual(await readLost(bundle), { code: lostCode, exitedAt: 1_000_000, exact: false });
    }
  });
});

test("D04 an end that cannot be kept does not stop the clean-up", async () => {
  await withBundle(async (bundle, file) => {
    await Deno.mkdir(file);
    assert.deepEqual(await keepLost(bundle, exit), exit);
  });
});

test("a lost task is listed while it has no bundle, and forgotten by its next create", async () => {
  await withBundle(async (bundle) => {
    forgetLost(bundle);
    await keepLost(bundle, exit);
    const { root, namespace } = bundle;
    assert.deepEqual(await listBundles(root, namespace), { bundles: [], abandoned: [], lost: [bundle] });
    await createBundle(bundle, { config: "{}", shim: "/s" });
    assert.deepEqual(await listBundles(root, namespace), { bundles: [bundle], abandoned: [], lost: [] });
    forgetLost(bundle);
    assert.equal(await readLost(bundle), undefined);
  });
});
