import assert from "node:assert/strict";
import { openUnfinished, type Unfinished } from "../../../lib/engine/unfinished.ts";
import { smallDisk } from "../base/directories.ts";
import { needsRoot, test } from "../../support/test.ts";

const id = "a".repeat(64);

async function withMarks(body: (marks: Unfinished, directory: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await body(openUnfinished({ root, state: root }, "n"), `${root}/unfinished/n`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

test("T13 what a living process works on is not abandoned; a mark is gone when it says so", async () => {
  await withMarks(async (marks, directory) => {
    assert.deepEqual(await marks.abandoned(), []);
    marks.begin(id);
    marks.begin(id);
    assert.equal(Array.from(Deno.readDirSync(directory)).length, 1);
    assert.deepEqual(await marks.abandoned(), []);
    await marks.end(id);
    await marks.end(id);
    assert.equal(Array.from(Deno.readDirSync(directory)).length, 0);
  });
});

test("T13 what dead processes worked on is abandoned, until it is cleared", async () => {
  await withMarks(async (marks, directory) => {
    marks.begin(id);
    await Deno.writeTextFile(`${directory}/dead.4194304.1`, "");
    // Our own pid, of a process before us.
    await Deno.writeTextFile(`${directory}/${id}.${Deno.pid}.1`, "");
    await Deno.writeTextFile(`${directory}/dots.in.id.4194304.77`, "");
    assert.deepEqual([...await marks.abandoned()].sort(), [id, "dead", "dots.in.id"].sort());
    await marks.clear("dead");
    await marks.clear(id);
    assert.deepEqual(await marks.abandoned(), ["dots.in.id"]);
    assert.equal(Array.from(Deno.readDirSync(directory)).length, 2, "the mark of the living stays");
  });
});

test("a zombie works on nothing any more", async () => {
  // The shell becomes a sleep, which never reaps its child; before that it would, so the child waits for it.
  const script = "sh -c 'until grep -q sleep /proc/$PPID/comm; do :; done' & echo $!; exec sleep 100";
  await using child = new Deno.Command("sh", { args: ["-c", script], stdin: "null", stdout: "piped" }).spawn();
  const reader = child.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value));
  let stat = "";
  while (!stat.includes(") Z ")) stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const startTime = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  await withMarks(async (marks, directory) => {
    await Deno.mkdir(directory, { recursive: true });
    await Deno.writeTextFile(`${directory}/${id}.${pid}.${startTime}`, "");
    assert.deepEqual(await marks.abandoned(), [id]);
  });
  child.kill("SIGKILL");
  await reader.cancel();
});

test("files that are no marks are passed over: no id of theirs reaches a path", async () => {
  await withMarks(async (marks, directory) => {
    await Deno.mkdir(directory, { recursive: true });
    for (const name of ["README", "x.1", ".x.1.1", "a__b.1.1", "..1.1", `${"a".repeat(77)}.1.1`]) {
      await Deno.writeTextFile(`${directory}/${name}`, "");
    }
    assert.deepEqual(await marks.abandoned(), []);
  });
});

test("T13 a mark that cannot be made is an error that names the container", { skip: needsRoot() }, async () => {
  await using disk = await smallDisk("64k,nr_inodes=2");
  const marks = openUnfinished({ root: disk.path, state: disk.path }, "n");
  assert.throws(() => marks.begin(id), { code: "resource_exhausted", message: new RegExp(id) });
});
