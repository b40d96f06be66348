import assert from "node:assert/strict";
import { needsRoot, test } from "../support/test.ts";
import { type Ended, must, namesIn, runProgram, type StubSetting, withFakeStub } from "./stub_setting.ts";

/** What the fake runtime does. */
function assertRan({ code, stdout, stderr }: Ended, last = "x"): void {
  assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: `ran ${last}\n`, stderr: "" });
}

/** The stub refused: its own exit code, a message that matches, a hint, and nothing ran. */
function assertRefused({ code, stdout, stderr }: Ended, message: RegExp): void {
  assert.equal(code, 125, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, message);
  assert.match(stderr, /hint: .*GANTRY_CACHE/);
}

/** The two folders of an unpacked executable: Deno's and the program's. */
function entries({ cache }: StubSetting): readonly [runtime: string, program: string] {
  const [runtime, program, ...rest] = namesIn(cache).map((name) => `${cache}/${name}`);
  assert.ok(runtime !== undefined && program !== undefined, String(namesIn(cache)));
  assert.match(`${runtime} ${program}`, /\/deno-[\d.]+-[0-9a-f]{16} .*\/gantry-0\.0\.0-[0-9a-f]{16}$/);
  assert.deepEqual(rest, []);
  return [runtime, program];
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < end, `not within 10 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function withTmpfs(folder: string, options: string, body: () => Promise<void>): Promise<void> {
  await Deno.mkdir(folder);
  await must("mount", "-t", "tmpfs", "-o", `mode=0700,${options}`, "none", folder);
  try {
    await body();
  } finally {
    await must("umount", folder);
  }
}

test("the first run unpacks into private folders, the second one changes nothing", async () => {
  await withFakeStub(async (setting) => {
    assertRan(await setting.run(["x"]));
    const [runtime, program] = entries(setting);
    for (const folder of [setting.cache, runtime, program]) {
      const { mode } = await Deno.stat(folder);
      assert.equal((mode ?? 0) & 0o777, 0o700, folder);
    }
    const before = await Deno.stat(`${runtime}/gantry`);
    assertRan(await setting.run(["x"]));
    assert.equal((await Deno.stat(`${runtime}/gantry`)).ino, before.ino);
    assert.deepEqual(namesIn(runtime), [".stamp", "gantry"]);
  });
});

test("a cache that is a symbolic link is refused, at every level", async () => {
  await withFakeStub(async (setting) => {
    await Deno.mkdir(`${setting.home}/real`, { mode: 0o700 });
    await Deno.symlink(`${setting.home}/real`, setting.cache);
    assertRefused(await setting.run(), /cache .*\/cache is a symbolic link/);
    await Deno.remove(setting.cache);
    assertRan(await setting.run(["x"]));
    for (const entry of entries(setting)) {
      await Deno.rename(entry, `${setting.home}/moved`);
      await Deno.symlink(`${setting.home}/moved`, entry);
      assertRefused(await setting.run(), /cache .*-[0-9a-f]{16} is a symbolic link/);
      await Deno.remove(entry);
      await Deno.rename(`${setting.home}/moved`, entry);
    }
    assertRan(await setting.run(["x"]));
  });
});

test("a cache of another user is refused, at every level", { skip: needsRoot() }, async () => {
  await withFakeStub(async (setting) => {
    await Deno.mkdir(setting.cache, { mode: 0o700 });
    await Deno.chown(setting.cache, 65534, 65534);
    assertRefused(await setting.run(), /cache .*\/cache belongs to another user/);
    assert.deepEqual(namesIn(setting.cache), []);
    await Deno.chown(setting.cache, 0, 0);
    assertRan(await setting.run(["x"]));
    for (const entry of entries(setting)) {
      await Deno.chown(entry, 65534, 65534);
      assertRefused(await setting.run(), /belongs to another user/);
      await Deno.chown(entry, 0, 0);
    }
  });
});

test("a cache that others may write to is refused before anything is unpacked into it", async () => {
  await withFakeStub(async (setting) => {
    for (const mode of [0o777, 0o1777, 0o720]) {
      await Deno.mkdir(setting.cache);
      await Deno.chmod(setting.cache, mode);
      assertRefused(await setting.run(), /cache .*\/cache can be written by others/);
      assert.deepEqual(namesIn(setting.cache), []);
      await Deno.remove(setting.cache);
    }
  });
});

test("a file in place of the cache is refused", async () => {
  await withFakeStub(async (setting) => {
    await Deno.writeTextFile(setting.cache, "");
    assertRefused(await setting.run(), /is not a folder/);
  });
});

test("an entry that was cut, changed, emptied or partly removed is made anew", async () => {
  await withFakeStub(async (setting) => {
    assertRan(await setting.run(["x"]));
    const [runtime, program] = entries(setting);
    const damages: readonly (() => Promise<unknown>)[] = [
      () => Deno.truncate(`${runtime}/gantry`, 1000),
      () => Deno.truncate(`${runtime}/gantry`, 0),
      () => Deno.writeTextFile(`${program}/main.js`, "evil"),
      () => Deno.remove(`${program}/main.js`),
      () => Deno.remove(`${program}/.stamp`),
      () => Deno.remove(runtime, { recursive: true }),
      () => Deno.remove(program, { recursive: true }),
    ];
    for (const damage of damages) {
      await damage();
      assertRan(await setting.run(["x"]));
      assert.equal(await Deno.readTextFile(`${program}/main.js`), "none");
      assert.ok((await Deno.stat(`${runtime}/gantry`)).size > 3_000_000);
      assert.equal(entries(setting).length, 2);
    }
  });
});

test("a full disk is a clear error and leaves nothing half made", { skip: needsRoot() }, async () => {
  await withFakeStub(async (setting) => {
    await withTmpfs(setting.cache, "size=1m", async () => {
      assertRefused(
        await setting.run(),
        /cannot unpack into the cache .*(No space left on device|Wrote only).*is the disk full/s,
      );
      assert.deepEqual(namesIn(setting.cache), []);
      await must("mount", "-o", "remount,size=16m", setting.cache);
      assertRan(await setting.run(["x"]));
    });
  });
});

test("a read-only cache works once it is filled, and says so when it is not", { skip: needsRoot() }, async () => {
  await withFakeStub(async (setting) => {
    await withTmpfs(setting.cache, "size=16m", async () => {
      await must("mount", "-o", "remount,ro", setting.cache);
      assertRefused(await setting.run(), /cannot write to the cache: .*[Rr]ead-only/);
      await must("mount", "-o", "remount,rw", setting.cache);
      assertRan(await setting.run(["x"]));
      await must("mount", "-o", "remount,ro", setting.cache);
      assertRan(await setting.run(["x"]));
    });
  });
});

test("a cache on a file system without programs is a clear error", { skip: needsRoot() }, async () => {
  await withFakeStub(async (setting) => {
    await withTmpfs(setting.cache, "size=16m,noexec", async () => {
      assertRefused(await setting.run(), /programs may not run from the cache .*noexec/);
    });
  });
});

test("a cache whose parent is missing or no folder is made, or is a clear error", async () => {
  await withFakeStub(async (setting) => {
    assertRan(await setting.run(["x"], { env: { GANTRY_CACHE: `${setting.home}/a/b c/d` } }));
    assertRefused(await setting.run([], { env: { GANTRY_CACHE: `${setting.executable}/d` } }), /cannot make the cache/);
  });
});

test("many first runs at once all succeed and leave one entry", async () => {
  await withFakeStub(async (setting) => {
    const ended = await Promise.all(Array.from({ length: 12 }, () => setting.run(["x"])));
    for (const each of ended) assertRan(each);
    entries(setting);
  });
});

test("many runs at once on a damaged entry all succeed", async () => {
  await withFakeStub(async (setting) => {
    assertRan(await setting.run(["x"]));
    await Deno.remove(`${entries(setting)[1]}/main.js`);
    const ended = await Promise.all(Array.from({ length: 12 }, () => setting.run(["x"])));
    for (const each of ended) assertRan(each);
    entries(setting);
  });
});

test("an unpacking that is ended by a signal leaves nothing, one that is killed does no harm", async () => {
  await withFakeStub(async (setting) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGKILL"] as const) {
      // A fifo in place of the executable's own file keeps tail waiting in the middle of the unpacking.
      const fifo = `${setting.home}/fifo-${signal}`;
      await must("mkfifo", fifo);
      const feeder = new Deno.Command("sh", {
        args: ["-c", `exec 3>"$1"; head -c 16384 "$2" >&3; exec sleep 60`, "sh", fifo, setting.executable],
        detached: true,
      }).spawn();
      const child = new Deno.Command("sh", {
        args: [fifo],
        env: { GANTRY_CACHE: setting.cache },
        detached: true,
        stdout: "null",
        stderr: "null",
      }).spawn();
      await until(() => namesIn(setting.cache).some((name) => name.startsWith(".part.")));
      Deno.kill(-child.pid, signal); // as a terminal would: the whole group
      // A signal between fork and exec is lost on a child of sh; such a one ends with its input, as all do with a real file.
      feeder.kill("SIGKILL");
      await feeder.status;
      await child.status;
      if (signal !== "SIGKILL") await until(() => namesIn(setting.cache).length === 0);
      assert.ok(namesIn(setting.cache).every((name) => name.startsWith(".part.")), String(namesIn(setting.cache)));
    }
    assertRan(await setting.run(["x"]));
    // What a killed run left goes away later: here its date is made old.
    for (const name of namesIn(setting.cache).filter((each) => each.startsWith(".part."))) {
      await Deno.utime(`${setting.cache}/${name}`, 1, 1);
    }
    await Deno.remove(`${setting.cache}/${namesIn(setting.cache).find((name) => name.startsWith("deno-"))}`, {
      recursive: true,
    });
    assertRan(await setting.run(["x"]));
    entries(setting);
  });
});

test("an executable that was cut short says so", async () => {
  await withFakeStub(async (setting) => {
    const { size } = await Deno.stat(setting.executable);
    for (const length of [16384, 20_000, size - 1]) {
      await Deno.truncate(setting.executable, length);
      assertRefused(await setting.run(), /cannot unpack into the cache .*/s);
      assert.ok(!namesIn(setting.cache).some((name) => name.startsWith(".part.")));
    }
  });
});

test("another user gets a cache of their own", { skip: needsRoot() }, async () => {
  await withFakeStub(async (setting) => {
    const own = `${setting.home}/nobody`;
    await Deno.mkdir(own);
    await Deno.chown(own, 65534, 65534);
    const command = ["-u", "GANTRY_CACHE", "-u", "XDG_CACHE_HOME", `HOME=${own}`, setting.executable, "x"];
    assertRan(await runProgram("env", command, { uid: 65534 }));
    assert.equal(namesIn(`${own}/.cache/gantry`).length, 2);
    const xdg = ["-u", "GANTRY_CACHE", `XDG_CACHE_HOME=${own}/xdg`, setting.executable, "x"];
    assertRan(await runProgram("env", xdg, { uid: 65534 }));
    assert.equal(namesIn(`${own}/xdg/gantry`).length, 2);
    const homeless = ["-u", "GANTRY_CACHE", "-u", "XDG_CACHE_HOME", "-u", "HOME", setting.executable, "x"];
    assertRefused(await runProgram("env", homeless, { uid: 65534 }), /cannot make the cache/);
  });
});

test("the stub does not read standard input while it unpacks, and keeps the umask", async () => {
  await withFakeStub(async (setting) => {
    const script = 'umask 027; "$1" x; umask; cat';
    const ended = await runProgram("sh", ["-c", script, "sh", setting.executable], {
      env: { GANTRY_CACHE: setting.cache },
      stdin: "all of it\n",
    });
    assert.equal(ended.stdout, "ran x\n0027\nall of it\n");
  });
});
