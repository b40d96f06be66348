import assert from "node:assert/strict";
import { GantryError } from "../../../lib/base/errors.ts";
import type { CliContext } from "../../../lib/cli/context.ts";
import { reportCrash, runCli } from "../../../lib/cli/main.ts";
import { test } from "../../support/test.ts";
import { CapturedIo, type CapturedOptions, type Transcript, transcript } from "./captured_io.ts";
import { acting } from "./sample_command.ts";

function ran(
  act: (context: CliContext) => Promise<number>,
  options: CapturedOptions = {},
  ...flags: readonly string[]
): Promise<Transcript> {
  return transcript(["act", ...flags], { ...options, commands: [acting("act", act)] });
}

function thrown(error: unknown, ...flags: readonly string[]): Promise<Transcript> {
  return ran(() => Promise.reject(error), {}, ...flags);
}

test("the exit code of a command is the exit code", async () => {
  assert.deepEqual(await ran(() => Promise.resolve(42)), { code: 42, stdout: "", stderr: "" });
});

test("a failed operation exits 1, a request that could not be served 125", async () => {
  assert.deepEqual(await thrown(new GantryError("not_found", "no container x", { hint: "gantry ps -a lists them" })), {
    code: 1,
    stdout: "",
    stderr: "gantry: no container x\nhint: gantry ps -a lists them\n",
  });
  for (const code of ["invalid_argument", "unavailable", "unauthenticated"] as const) {
    assert.equal((await thrown(new GantryError(code, "x"))).code, 125, code);
  }
  for (const code of ["failed_precondition", "permission_denied", "unknown", "deadline_exceeded"] as const) {
    assert.equal((await thrown(new GantryError(code, "x"))).code, 1, code);
  }
});

test("an error in JSON mode is one object on one line", async () => {
  const { stderr } = await thrown(new GantryError("not_found", "no\ncontainer", { hint: "look" }), "--json");
  assert.equal(stderr, '{"code":"not_found","message":"no\\ncontainer","hint":"look"}\n');
  assert.equal(
    (await thrown(new GantryError("not_found", "x"), "--json")).stderr,
    '{"code":"not_found","message":"x"}\n',
  );
});

test("anything else that is thrown is a defect: 125, and the stack only with --debug", async () => {
  const error = new TypeError("boom");
  const { code, stderr } = await thrown(error);
  assert.deepEqual([code, stderr], [
    125,
    "gantry: boom\nhint: this is a defect of gantry; --debug shows where it happened\n",
  ]);
  assert.match((await thrown(error, "--debug")).stderr, /^gantry: boom\nTypeError: boom\n {4}at .*main_test\.ts/);
  const json = Object(JSON.parse((await thrown(error, "--debug", "--json")).stderr));
  assert.match(json.stack, /main_test/);
});

test("GANTRY_DEBUG shows the stack also of an error on the command line", async () => {
  const { stderr } = await transcript(["--bogus"], { env: { GANTRY_DEBUG: "1", HOME: "/nonexistent" } });
  assert.match(stderr, /^gantry: unknown flag --bogus for gantry\nhint: [^\n]+\nGantryError: unknown flag/);
});

test("control characters in an error are escaped on a terminal", async () => {
  const error = new GantryError("not_found", "no \u001b[2Jx");
  assert.equal((await ran(() => Promise.reject(error), { terminal: true })).stderr, "gantry: no \\x1b[2Jx\n");
});

test("T02 when nobody reads stdout the command ends quietly with the code of SIGPIPE", async () => {
  const { code, stderr } = await ran(({ output }) => {
    output.raw("x");
    return Promise.resolve(0);
  }, { stdoutClosed: true });
  assert.deepEqual([code, stderr], [141, ""]);
});

for (const [name, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  test(`${name} aborts the command's signal, and its error then exits ${code}`, async () => {
    const captured = new CapturedIo();
    const commands = [acting("act", async ({ signal }) => {
      queueMicrotask(() => captured.signals.send(name));
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
      return 0;
    })];
    assert.equal(await runCli(["act"], { io: captured.io, commands }), code);
    assert.equal(captured.stderr, `gantry: interrupted by ${name}\n`);
    assert.equal(captured.signals.count, 0, "a second one must have its default action");
  });
}

test("a command that does not look at its signal has no signal listeners", async () => {
  const captured = new CapturedIo();
  let during = -1;
  const commands = [acting("act", () => {
    during = captured.signals.count;
    return Promise.resolve(0);
  })];
  await runCli(["act"], { io: captured.io, commands });
  assert.equal(during, 0);
});

test("listeners are gone when the command has ended", async () => {
  const captured = new CapturedIo();
  await runCli(["act"], {
    io: captured.io,
    commands: [acting("act", ({ signal }) => Promise.resolve(signal.aborted ? 1 : 0))],
  });
  assert.equal(captured.signals.count, 0);
});

test("a crash outside of any command is told and exits 125", () => {
  const captured = new CapturedIo();
  assert.equal(reportCrash(new Error("lost"), captured.io), 125);
  assert.match(captured.stderr, /^gantry: lost\nhint: this is a defect/);
});

test("gantry --version is gantry version", async () => {
  const { code, stdout } = await transcript(["version", "--client"]);
  assert.equal(code, 0);
  assert.match(stdout, /^gantry {3}\d+\.\d+\.\d+ \(commit \S+, source, Deno \d+\.\d+\.\d+\)\n$/);
  const json = Object(JSON.parse((await transcript(["version", "--client", "--json"])).stdout));
  assert.deepEqual(Object.keys(json).sort(), ["built", "commit", "deno", "version"]);
  const short = await transcript(["--version", "--address", "/nonexistent/containerd.sock"]);
  assert.match(short.stdout, /^gantry/);
});
