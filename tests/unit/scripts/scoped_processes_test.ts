import assert from "node:assert/strict";
import { killProcess, scopedProcesses } from "../../support/scoped_processes.ts";
import { needsRoot, test } from "../../support/test.ts";

interface Setting {
  /** A folder for the test. */
  readonly scope: string;
  /** Starts a program with the given environment that does not mention the folder by itself. */
  start(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<number>;
}

async function setting(body: (setting: Setting) => Promise<void>): Promise<void> {
  const scope = await Deno.makeTempDir();
  const children: Deno.ChildProcess[] = [];
  try {
    await body({
      scope,
      start: async (program, args, env = {}) => {
        const child = new Deno.Command(program, { args: [...args], env, clearEnv: true, cwd: "/", stdin: "null" })
          .spawn();
        children.push(child);
        const own = await Deno.readLink("/proc/self/exe");
        // Until the program runs, /proc shows the fork of this process.
        while ((await Deno.readLink(`/proc/${child.pid}/exe`)) === own) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return child.pid;
      },
    });
  } finally {
    for (const child of children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // The test ended it.
      }
      await child.status;
    }
    await Deno.remove(scope, { recursive: true });
  }
}

async function pids(scope: string): Promise<readonly number[]> {
  return (await scopedProcesses(scope)).map(({ pid }) => pid);
}

test("a process belongs to a folder that its environment, arguments or working folder names", async () => {
  await setting(async ({ scope, start }) => {
    const byEnvironment = await start("sleep", ["1001"], { X: `${scope}/y` });
    const byArgument = await start("sh", ["-c", "sleep 1002; :", scope]);
    const byFolder = await start("sh", ["-c", 'cd "$(printf %s%s "$A" "$B")"; sleep 1003; :'], {
      A: scope.slice(0, 6),
      B: scope.slice(6),
      PATH: "/usr/bin:/bin",
    });
    while ((await Deno.readLink(`/proc/${byFolder}/cwd`)) !== scope) await new Promise((r) => setTimeout(r, 5));
    const found = await pids(scope);
    for (const pid of [byEnvironment, byArgument, byFolder]) assert.ok(found.includes(pid), `${pid} of ${found}`);
    for (const each of await scopedProcesses(scope)) await killProcess(each);
  });
});

test("a process does not belong to a folder whose name only starts the same", async () => {
  await setting(async ({ scope, start }) => {
    await start("sleep", ["1004"], { X: `${scope}0/y`, Y: `${scope}.log`, Z: `${scope}-old` });
    assert.deepEqual(await pids(scope), []);
  });
});

test("a mount in the folder makes no process of the machine belong to it", { skip: needsRoot() }, async () => {
  await setting(async ({ scope, start }) => {
    await start("sleep", ["1005"]);
    await Deno.mkdir(`${scope}/m`);
    const run = (program: string, args: readonly string[]): Promise<Deno.CommandOutput> =>
      new Deno.Command(program, { args: [...args] }).output();
    await run("mount", ["-t", "tmpfs", "none", `${scope}/m`]);
    try {
      assert.deepEqual(await pids(scope), []);
      // A mount namespace of its own copies the table: that is no evidence either.
      await start("unshare", ["-m", "sleep", "1006"], { PATH: "/usr/bin:/bin" });
      assert.deepEqual(await pids(scope), []);
    } finally {
      await run("umount", [`${scope}/m`]);
    }
  });
});

test("older processes never belong to a folder, nor does the caller", async () => {
  await setting(async ({ scope }) => {
    const script = "const { scopedProcesses } = await import(Deno.args[0]);" +
      "console.log(JSON.stringify((await scopedProcesses(Deno.args[1])).map((each) => each.pid)));";
    const module = new URL("../../support/scoped_processes.ts", import.meta.url).href;
    const older = new Deno.Command("sleep", { args: ["1007"], env: { X: scope } }).spawn();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", script, module, scope] }).output();
    older.kill("SIGKILL");
    await older.status;
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), []);
  });
});

test("a path that is no folder of a test is refused", async () => {
  for (const scope of ["", "/", "/tmp", "tmp/x"]) await assert.rejects(scopedProcesses(scope), RangeError, scope);
});
