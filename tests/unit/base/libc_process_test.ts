import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { loadLibc } from "../../../lib/base/libc.ts";
import { closeFd, isCloseOnExec } from "../../../lib/base/libc_files.ts";
import {
  isChildSubreaper,
  pidfdOpen,
  pidfdSendSignal,
  reap,
  setChildSubreaper,
} from "../../../lib/base/libc_process.ts";
import { processState } from "../../../lib/base/proc.ts";
import { test } from "../../support/test.ts";
import { eventually, running } from "./processes.ts";

loadLibc();

test("a pidfd stands for its process and never for another", async () => {
  await using child = running("sleep", ["300"]);
  const fd = pidfdOpen(child.pid);
  try {
    assert.equal(isCloseOnExec(fd), true);
    pidfdSendSignal(fd, 0);
    pidfdSendSignal(fd, 15);
    assert.equal((await child.status).signal, "SIGTERM");
    assert.throws(() => pidfdSendSignal(fd, 9), (error) => isCode(error, "not_found"));
  } finally {
    closeFd(fd);
  }
  for (const pid of [0, -1, 1.5, NaN, 2 ** 32 + Deno.pid]) {
    assert.throws(() => pidfdOpen(pid), (error) => isCode(error, "invalid_argument"));
  }
  assert.throws(() => pidfdOpen(child.pid), {
    code: "not_found",
    message: `cannot open process ${child.pid}: ESRCH`,
  });
});

test("pidfdSendSignal() refuses a number that is no signal", async () => {
  await using child = running("sleep", ["300"]);
  const fd = pidfdOpen(child.pid);
  try {
    assert.throws(() => pidfdSendSignal(fd, 99), (error) => isCode(error, "invalid_argument"));
  } finally {
    closeFd(fd);
  }
});

test("a subreaper adopts the orphans of its descendants and reaps them by pid", async () => {
  assert.equal(isChildSubreaper(), false);
  setChildSubreaper(true);
  try {
    assert.equal(isChildSubreaper(), true);
    assert.deepEqual(await orphan("exit 7"), { code: 7, signal: undefined });
    assert.deepEqual(await orphan("kill -9 $$"), { code: 137, signal: 9 });
  } finally {
    setChildSubreaper(false);
  }
  assert.equal(isChildSubreaper(), false);
});

test("reap() does not take the status of a child from Deno, nor accept more than one process", async () => {
  const child = running("sh", ["-c", "exit 3"]);
  assert.equal((await child.status).code, 3);
  assert.equal(reap(child.pid), undefined);
  assert.equal(reap(1), undefined);
  for (const pid of [0, -1, NaN, 1.5]) assert.throws(() => reap(pid), RangeError);
});

/** Runs a script whose parent dies first, and reaps it. */
async function orphan(script: string): Promise<ReturnType<typeof reap>> {
  // It says who it is: tests of other files have children of this process, too.
  const file = await Deno.makeTempFile();
  // The inner shell waits until it has been adopted.
  const inner =
    `echo $$ >${file}; while [ "$(cut -d' ' -f4 /proc/$$/stat)" != ${Deno.pid} ]; do sleep 0.01; done; ${script}`;
  await new Deno.Command("sh", { args: ["-c", `sh -c '${inner.replaceAll("'", `'"'"'`)}' >/dev/null 2>&1 &`] })
    .output();
  const pid = await eventually(async () => Number(await Deno.readTextFile(file)) || undefined);
  await eventually(() => processState(pid) === "Z");
  const result = reap(pid);
  assert.equal(processState(pid), undefined);
  await Deno.remove(file);
  return result;
}
