import assert from "node:assert/strict";
import { gantryTest, sh } from "../support/gantry.ts";

gantryTest("T01 run passes the exit code of its program", {}, async (gantry) => {
  for (const code of [0, 1, 42, 125, 255]) {
    const end = await gantry.run(sh(`exit ${code}`));
    assert.equal(end.code, code, end.err);
    assert.equal(end.err, "");
  }
});
