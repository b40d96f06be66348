import assert from "node:assert/strict";
import fc from "fast-check";
import { isCode } from "../../../lib/base/errors.ts";
import { criuConfigText, withCriuConfig } from "../../../lib/engine/checkpoint/criu_config.ts";
import { criuError, explainCriuFailure } from "../../../lib/engine/checkpoint/criu_failure.ts";
import { findCriu, kernelRelease } from "../../../lib/engine/checkpoint/criu_program.ts";
import { parseCriuStats, readCriuStats } from "../../../lib/engine/checkpoint/criu_stats.ts";
import { test } from "../../support/test.ts";
import { folder } from "./archive_setting.ts";
import { facts, statsDump, statsRestore } from "./checkpoint_setting.ts";

/** The errors of real logs: CRIU 3.17, 4.1.1 and 4.2.1 on Linux 6.18, and what the hint must speak of. */
const logs: readonly (readonly [what: string, log: string, summary: RegExp, hint: RegExp])[] = [
  [
    "an open TCP connection",
    `(00.032812) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.180631) Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using --tcp-established option.
(00.180640) Error (criu/cr-dump.c:1681): Dump files (pid: 14241) failed with -1
(00.267486) Error (criu/cr-dump.c:2111): Dumping FAILED.`,
    /^inet: Connected TCP socket, consider/,
    /--tcp-established/,
  ],
  [
    "an open TCP connection at restore",
    `(00.090983)      7: Error (criu/sk-inet.c:912): inet: Connected TCP socket in image
(00.090995)      7: Error (criu/files.c:1221): Unable to open fd=3 id=0xb
(00.093145)      1: Error (criu/cr-restore.c:1265): 7 exited, status=1
(00.095483) Error (criu/cr-restore.c:2331): Restoring FAILED.
(00.099206) Error (criu/cgroup.c:2055): cg: cgroupd: recv req error: No such file or directory`,
    /^inet: Connected TCP socket in image$/,
    /--tcp-established/,
  ],
  [
    "a network that is down",
    `(00.093186)      9: Error (soccr/soccr.c:529): Can't connect inet socket back: Network is unreachable`,
    /Network is unreachable/,
    /interfaces must be up/,
  ],
  [
    "a CRIU older than the kernel",
    `(00.014682) Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds
(00.014685) Error (criu/vdso.c:613): vdso: Failed to fill self vdso symtable
(00.014687) Error (criu/kerndat.c:1615): kerndat_vdso_fill_symtable failed when initializing kerndat.`,
    /^vdso: Unexpected rt vDSO area bounds$/,
    /too old for the running kernel/,
  ],
  [
    "a CRIU that cannot dump sockets on this kernel",
    `(00.218452) Error (criu/sockets.c:628): sockets: Can't get 1:16 opt: Operation not supported`,
    /1:16 opt/,
    /CRIU 4\.2/,
  ],
  [
    "missing iptables, which a child reports without a time",
    `Error (criu/util.c:641): execvp("iptables-restore", ...) failed: No such file or directory
(00.184990) Error (criu/util.c:656): exited, status=1
(00.188594) Error (criu/net.c:3282): net: Locking network failed: iptables-restore returned -1. This may be connected to x.`,
    /^execvp\("iptables-restore"/,
    /install it \(Debian: iptables\)/,
  ],
  [
    "a file outside the container",
    `(00.157400) Error (criu/files-reg.c:1790): Can't lookup mount=27 for fd=1 path=/tmp/cpz/c/b/out`,
    /Can't lookup mount=27/,
    /outside the container/,
  ],
  [
    "a file lock",
    "(0.1) Error (criu/file-lock.c:1): Some file locks are hold by dumping tasks! You can try x",
    /hold/,
    /--file-locks/,
  ],
  [
    "a unix socket",
    "(0.1) Error (criu/sk-unix.c:1): unix: External socket is used. Consider",
    /External/,
    /--ext-unix-sk/,
  ],
  [
    "a terminal",
    "(0.1) Error (criu/tty.c:1): tty: Task attached to shell terminal. Consider using",
    /shell/,
    /--shell-job/,
  ],
  [
    "a changed file",
    "(0.1) 1: Error (criu/files-reg.c:1): File bin/x has bad size 1 (expect 2)",
    /bad size/,
    /changed/,
  ],
];

for (const [what, log, summary, hint] of logs) {
  test(`C04 the cause and the way out are found in CRIU's log: ${what}`, async () => {
    await using place = await folder();
    await Deno.writeTextFile(`${place.path}/dump.log`, `(00.1) Version: 4.1.1 (gitid 0)\n${log}\n(00.3) some more\n`);
    const failure = await explainCriuFailure({ workDir: place.path, message: "criu failed: type NOTIFY errno 0" });
    assert.match(failure.summary, summary);
    assert.match(failure.hint ?? "", hint);
    assert.equal(failure.log, `${place.path}/dump.log`);
    assert.ok(!failure.lines.some((line) => line.includes("RLIMIT_NOFILE")));
    const error = criuError(failure, "checkpoint web");
    assert.ok(
      isCode(error, "failed_precondition") && error.message.startsWith(`cannot checkpoint web: ${failure.summary}`),
    );
    assert.ok(error.message.includes(`log: ${place.path}/dump.log`));
  });
}

test("C04 a shim's copy of the log in the bundle is found, and the log written last is the one that counts", async () => {
  await using place = await folder();
  await Deno.mkdir(`${place.path}/work`);
  await Deno.mkdir(`${place.path}/bundle`);
  await Deno.writeTextFile(`${place.path}/bundle/criu-dump.log`, "(00.1) Error (criu/a.c:1): from the bundle\n");
  const explain = () =>
    explainCriuFailure({ workDir: `${place.path}/work`, bundle: `${place.path}/bundle`, message: "criu failed" });
  assert.equal((await explain()).summary, "from the bundle");
  await Deno.writeTextFile(`${place.path}/work/restore.log`, "(00.1) Error (criu/a.c:1): from the restore\n");
  await Deno.utime(`${place.path}/bundle/criu-dump.log`, 1, 1);
  assert.equal((await explain()).summary, "from the restore");
});

test("C04 without a log the runtime's message is explained", async () => {
  await using place = await folder();
  const message = 'CRIU version check failed: exec: "criu": executable file not found in $PATH: unknown\nmore';
  const failure = await explainCriuFailure({ workDir: `${place.path}/none`, message });
  assert.match(failure.hint ?? "", /install CRIU/);
  assert.equal(failure.log, undefined);
  const unknown = await explainCriuFailure({ workDir: place.path, message: "something\nelse" });
  assert.deepEqual(unknown, { summary: "something", lines: [], log: undefined, hint: undefined });
});

test("C04 of a huge log only the end is read", async () => {
  await using place = await folder();
  using file = await Deno.open(`${place.path}/dump.log`, { write: true, createNew: true });
  // Sparse: reading it whole would take gigabytes of memory.
  await file.truncate(4 << 30);
  await file.seek(4 << 30, Deno.SeekMode.Start);
  await file.write(
    new TextEncoder().encode(`\n(9.9) Error (criu/x.c:1): ${"long ".repeat(1000)}\n(9.9) Error (criu/x.c:1): last\n`),
  );
  const failure = await explainCriuFailure({ workDir: place.path, message: "" });
  assert.equal(failure.lines.at(-1), "last");
  assert.ok(failure.lines.every((line) => line.length <= 501));
});

test("C06 CRIU's statistics are decoded from the files it really writes", async () => {
  assert.deepEqual(parseCriuStats(statsDump, "x"), {
    dump: {
      freezingMs: 0.786,
      frozenMs: 101.182,
      memdumpMs: 0.891,
      memwriteMs: 0.164,
      pagesScanned: 49,
      pagesSkippedParent: 0,
      pagesWritten: 35,
    },
  });
  assert.deepEqual(parseCriuStats(statsRestore, "x"), {
    restore: { forkingMs: 0.381, restoreMs: 125.88, pagesCompared: 9, pagesRestored: 33 },
  });
  await using place = await folder();
  assert.equal(await readCriuStats(`${place.path}/none`), undefined);
});

test("X01 any bytes in place of statistics are an error, never a crash", () => {
  const parse = (bytes: Uint8Array): void => {
    try {
      parseCriuStats(bytes, "stats");
    } catch (error) {
      assert.ok(isCode(error, "data_loss"), String(error));
    }
  };
  for (let length = 0; length < statsDump.length; length++) {
    assert.throws(() => parseCriuStats(statsDump.slice(0, length), "stats"), (error) => isCode(error, "data_loss"));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), parse));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (tail) => {
    const bytes = new Uint8Array(12 + tail.length);
    bytes.set(statsDump.subarray(0, 8));
    new DataView(bytes.buffer).setUint32(8, tail.length, true);
    bytes.set(tail, 12);
    parse(bytes);
  }));
});

test("C03 options become lines of CRIU's configuration file, which the spec names", () => {
  const text = criuConfigText({
    tcpEstablished: true,
    emptyNet: true,
    fileLocks: false,
    extUnixSk: true,
    shellJob: true,
  });
  assert.deepEqual(text.split("\n").slice(1), ["tcp-established", "ext-unix-sk", "shell-job", "empty-ns net", ""]);
  const spec = withCriuConfig({ ...facts.spec, annotations: { a: "b" } }, "/run/x/criu.conf");
  assert.deepEqual(spec.annotations, { "a": "b", "org.criu.config": "/run/x/criu.conf" });
});

test("C06 the CRIU in the runtime's PATH is found and asked its version", async () => {
  await using place = await folder();
  const program = async (name: string, script: string): Promise<string> => {
    await Deno.mkdir(`${place.path}/${name}`, { recursive: true });
    await Deno.writeTextFile(`${place.path}/${name}/criu`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return `${place.path}/${name}`;
  };
  const good = await program("good", "echo 'Version: 4.2.1'; echo 'GitID: 0'");
  assert.deepEqual(await findCriu({ searchPath: `relative:${place.path}/none:${good}:/usr/sbin` }), {
    path: `${good}/criu`,
    version: "4.2.1",
  });
  await assert.rejects(findCriu({ searchPath: place.path }), (error) => isCode(error, "not_found"));
  await assert.rejects(findCriu({ searchPath: await program("odd", "echo hello") }), /does not say a version/);
  const hung = await program("hung", "sleep 1000");
  await assert.rejects(findCriu({ searchPath: hung, timeoutMs: 100 }), (error) => error instanceof DOMException);
  assert.match(await kernelRelease(), /^\d+\.\d+/);
});
